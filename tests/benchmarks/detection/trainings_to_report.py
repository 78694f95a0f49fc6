"""Five trainings that nothing is tuned on: a loss for each of 1,500 steps, by the seed.

A small CNN with batch norm, the generator of a GAN, a cyclic learning rate and changing batch sizes, all on
scikit-learn's digits; and a character LSTM on the descriptions of its data sets.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.detection.training import Training, batches, spelled, update, windows

__all__ = ["TRAININGS"]


@cache
def _digits() -> tuple[Tensor, Tensor]:
    images, labels = datasets.load_digits(return_X_y=True)
    return torch.tensor(images / 16, dtype=torch.float32), torch.tensor(labels)


def _perceptron(*widths: int) -> nn.Sequential:
    layers = [layer for n, m in pairwise(widths) for layer in (nn.Linear(n, m), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def batch_norm() -> Iterator[Tensor]:
    """SGD with momentum, batches of 32."""
    layers = (nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.BatchNorm2d(32), nn.ReLU())
    model = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), *layers, nn.Flatten(), nn.Linear(512, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for images, labels in batches(_digits(), 32):
        yield (loss := F.cross_entropy(model(images), labels))
        update(optimizer, loss)


def generator() -> Iterator[Tensor]:
    """The generator's loss of a GAN that does not saturate (Goodfellow et al. 2014); Adam, batches of 64."""
    generator, critic = nn.Sequential(_perceptron(16, 128, 64), nn.Sigmoid()), _perceptron(64, 128, 1)
    first, second = (torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999)) for net in (generator, critic))
    for images, _ in batches(_digits(), 64):
        made = generator(torch.randn(len(images), 16))
        update(second, F.softplus(-critic(images)).mean() + F.softplus(critic(made.detach())).mean())
        yield (loss := F.softplus(-critic(made)).mean())
        update(first, loss)


def cyclic_rate() -> Iterator[Tensor]:
    """A learning rate that goes up and down between 0.01 and 0.5 every 300 steps (Smith 2017); batches of 32."""
    model = _perceptron(64, 64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for n, (images, labels) in enumerate(batches(_digits(), 32)):
        optimizer.param_groups[0]["lr"] = 0.01 + 0.49 * (1 - abs(n % 300 / 150 - 1))
        yield (loss := F.cross_entropy(model(images), labels))
        update(optimizer, loss)


def changing_batches() -> Iterator[Tensor]:
    """Batches of 64, 16, 128 and 8 in turn, for 125 steps each; Adam."""
    model = _perceptron(64, 64, 64, 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    sizes = {size: batches(_digits(), size) for size in (64, 16, 128, 8)}
    for n in range(1_500):
        images, labels = next(sizes[tuple(sizes)[n // 125 % 4]])
        yield (loss := F.cross_entropy(model(images), labels))
        update(optimizer, loss)


def characters() -> Iterator[Tensor]:
    """The next character by an LSTM of 64; Adam, 16 pieces of 32 characters."""
    names = ("digits", "wine", "breast_cancer", "diabetes", "iris", "linnerud")
    text, size = spelled("".join(getattr(datasets, f"load_{name}")().DESCR for name in names))
    embedding, cell, head = nn.Embedding(size, 32), nn.LSTM(32, 64, batch_first=True), nn.Linear(64, size)
    weights = [weight for part in (embedding, cell, head) for weight in part.parameters()]
    optimizer = torch.optim.Adam(weights, lr=3e-3)
    for piece in windows(text, 16, 33):
        scores = head(cell(embedding(piece[:, :-1]))[0])
        yield (loss := F.cross_entropy(scores.flatten(0, 1), piece[:, 1:].flatten()))
        update(optimizer, loss)


TRAININGS: Mapping[str, Training] = {
    "CNN, batch norm": batch_norm,
    "GAN, generator": generator,
    "cyclic rate": cyclic_rate,
    "batch sizes": changing_batches,
    "char LSTM": characters,
}
