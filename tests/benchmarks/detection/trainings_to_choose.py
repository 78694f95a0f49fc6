"""Six other trainings, to choose constants by: other networks and data than those that are reported.

A residual network with layer norm on breast cancer, a regression whose rate falls in steps, the critic of a hinge GAN
on two moons, a character transformer on Python's help, warm restarts on labels of which a fifth is wrong, and a value
network that learns from itself.
"""

import pydoc_data.topics
from collections.abc import Iterator, Mapping

import torch
from sklearn import datasets, preprocessing
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.detection.training import Training, batches, spelled, update, windows

__all__ = ["TRAININGS"]


def _tensors(inputs: object, targets: object) -> tuple[Tensor, Tensor]:
    scaled = preprocessing.StandardScaler().fit_transform(inputs)
    return torch.tensor(scaled, dtype=torch.float32), torch.tensor(targets)


class _Residual(nn.Module):
    """A block with layer norm before it and dropout behind it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(0.2), nn.Linear(width, width)
        )

    def forward(self, values: Tensor) -> Tensor:
        changed: Tensor = values + self.body(values)
        return changed


def residual() -> Iterator[Tensor]:
    """AdamW, batches of 16: fitted after a few hundred steps."""
    rows = _tensors(*datasets.load_breast_cancer(return_X_y=True))
    model = nn.Sequential(nn.Linear(30, 32), _Residual(32), _Residual(32), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for inputs, labels in batches(rows, 16):
        yield (loss := F.cross_entropy(model(inputs), labels))
        update(optimizer, loss)


def falling_rate() -> Iterator[Tensor]:
    """Friedman's first function with noise; the rate falls to a third every 400 steps, batches of 32."""
    rows = _tensors(*datasets.make_friedman1(2_000, noise=0.5, random_state=int(torch.randint(1_000, ()))))
    model = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 400, gamma=1 / 3)
    for inputs, targets in batches(rows, 32):
        yield (loss := F.mse_loss(model(inputs)[:, 0], targets.float() / 5))
        update(optimizer, loss)
        schedule.step()


def critic() -> Iterator[Tensor]:
    """The critic's hinge loss of a GAN that draws two moons; RMSprop, batches of 32."""
    rows = _tensors(*datasets.make_moons(2_000, noise=0.1, random_state=0))
    judge = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    maker = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 2))
    first, second = (torch.optim.RMSprop(net.parameters(), lr=5e-4) for net in (judge, maker))
    for points, _ in batches(rows, 32):
        made = maker(torch.randn(len(points), 4))
        yield (loss := F.relu(1 - judge(points)).mean() + F.relu(1 + judge(made.detach())).mean())
        update(first, loss)
        update(second, -judge(made).mean())


def transformer() -> Iterator[Tensor]:
    """The next character, by one layer of attention; a warm-up and a cosine, 8 pieces of 32 characters."""
    text, size = spelled("".join(pydoc_data.topics.topics.values())[:200_000])
    letters, places = nn.Embedding(size, 32), nn.Parameter(0.02 * torch.randn(32, 32))
    layer, head = nn.TransformerEncoderLayer(32, 4, 64, 0.1, batch_first=True), nn.Linear(32, size)
    weights = [places, *(weight for part in (letters, layer, head) for weight in part.parameters())]
    optimizer = torch.optim.AdamW(weights, lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=1_501)
    mask = nn.Transformer.generate_square_subsequent_mask(32)
    for piece in windows(text, 8, 33):
        scores = head(layer(letters(piece[:, :-1]) + places, src_mask=mask, is_causal=True))
        yield (loss := F.cross_entropy(scores.flatten(0, 1), piece[:, 1:].flatten()))
        update(optimizer, loss)
        schedule.step()


def restarts() -> Iterator[Tensor]:
    """A fifth of the labels is wrong; the rate begins anew every 250 steps (Loshchilov and Hutter 2017)."""
    made = datasets.make_classification(1_500, 20, n_informative=10, n_classes=5, flip_y=0.2, random_state=1)
    model = nn.Sequential(nn.Linear(20, 128), nn.ReLU(), nn.Linear(128, 5))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 250)
    for inputs, labels in batches(_tensors(*made), 24):
        yield (loss := F.cross_entropy(model(inputs), labels))
        update(optimizer, loss)
        schedule.step()


def bootstrapped() -> Iterator[Tensor]:
    """Temporal differences on a random walk of 19 states, by a network whose targets are its own of 200 steps ago."""
    model, old = (nn.Sequential(nn.Linear(19, 32), nn.ReLU(), nn.Linear(32, 1)) for _ in range(2))
    optimizer, states = torch.optim.Adam(model.parameters(), lr=1e-3), torch.eye(19)
    for n in range(1_500):
        if n % 200 == 0:
            old.load_state_dict(model.state_dict())
        here = torch.randint(19, (16,))
        then = here + 2 * torch.randint(2, (16,)) - 1
        with torch.no_grad():
            ahead = 0.99 * old(states[then.clamp(0, 18)])[:, 0] * ((then >= 0) & (then < 19)) + 1.0 * (then == 19)
        yield (loss := F.mse_loss(model(states[here])[:, 0], ahead))
        update(optimizer, loss)


TRAININGS: Mapping[str, Training] = {
    "residual, layer norm": residual,
    "rate in steps": falling_rate,
    "GAN, critic": critic,
    "char transformer": transformer,
    "warm restarts": restarts,
    "bootstrapped": bootstrapped,
}
