"""Three lines embed a watch in any loop, and the training stays the same to the last bit."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.event import Event
from nissa.events.kinds import GradientsMeasured
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.probes.watch import Watch
from nissa.pipeline.telemetry import Telemetry

Make = Callable[[], tuple[nn.Module, Tensor, Tensor]]


def cnn() -> tuple[nn.Module, Tensor, Tensor]:
    """What has buffers that a forward writes, and draws random numbers."""
    body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3), nn.AdaptiveAvgPool2d(2))
    return nn.Sequential(body, nn.Flatten(), nn.Linear(32, 5)), torch.randn(16, 3, 8, 8), torch.randint(5, (16,))


def mlp() -> tuple[nn.Module, Tensor, Tensor]:
    return (
        nn.Sequential(nn.Linear(300, 256), nn.ReLU(), nn.Linear(256, 5)),
        torch.randn(16, 300),
        torch.randint(5, (16,)),
    )


class Gpt(nn.Module):
    """Tokens (n, 12) to logits (n, 12, 20), each from those before it."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.places = nn.Embedding(20, 16), nn.Parameter(torch.randn(12, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 20)
        self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(12)
        logits: Tensor = self.head(self.blocks(self.embedding(tokens) + self.places, mask=mask, is_causal=True))
        return logits


def gpt() -> tuple[nn.Module, Tensor, Tensor]:
    return Gpt(), torch.randint(20, (8, 12)), torch.randint(20, (8, 12))


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(logits.flatten(0, -2), labels.flatten())


def trained(make: Make, config: str | None, *, dense: bool = False) -> tuple[Any, ...]:
    """Losses, weights, buffers, gradients, modes and random states after two epochs, bit for bit."""
    torch.manual_seed(7)
    random.seed(7)
    np.random.seed(7)
    model, inputs, labels = make()
    optimizer = torch.optim.AdamW(model.parameters(), 0.01)
    losses: list[str] = []
    with Telemetry("test", config=config or "minimal") as telemetry:
        watch = Watch(telemetry, model, loss=loss_of) if config else None
        telemetry.fidelity = "dense" if dense else "normal"
        for _ in range(2):
            for _ in range(3):
                optimizer.zero_grad()
                loss = loss_of(model(inputs), labels)
                loss.backward()  # type: ignore[no-untyped-call]
                if watch:
                    watch.step()
                nn.utils.clip_grad_norm_(model.parameters(), 0.1)
                optimizer.step()
                losses.append(float(loss.detach()).hex())
            if watch:
                watch.epoch(inputs, labels)
        assert not telemetry.state().faults
    tensors = [*model.state_dict().values(), *(p.grad for p in model.parameters() if p.grad is not None)]
    modes = [module.training for module in model.modules()]
    states = torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    return losses, [tensor.numpy().tobytes() for tensor in tensors], modes, states


@pytest.mark.parametrize("make", [cnn, mlp, gpt])
def test_a_training_is_bit_for_bit_the_same_with_every_profile_dense_and_without_a_watch(make: Make) -> None:
    plain = trained(make, None)
    for profile in ("minimal", "standard", "diagnostic", "research"):
        assert trained(make, profile) == plain, profile
    assert trained(make, "standard", dense=True) == plain


def parted(model: nn.Module, images: Tensor, labels: Tensor, parts: int) -> list[Tensor]:
    """The gradient of the mean over the losses of equal parts of a batch, by autograd alone."""
    losses = [cross_entropy(model(x), y) for x, y in zip(images.chunk(parts), labels.chunk(parts), strict=True)]
    return list(torch.autograd.grad(torch.stack(losses).mean(), list(model.parameters())))


def kept(run: Callable[[Telemetry], None], config: TelemetryConfig) -> list[Event[Any]]:
    """The measured gradients of a run."""
    events: list[Event[Any]] = []
    with Telemetry("test", config=config, sinks={"kept": events.append}) as telemetry:
        run(telemetry)
        assert not telemetry.state().faults
    return [event for event in events if isinstance(event.payload, GradientsMeasured)]


EVERY = TelemetryConfig.model_validate({"gradients": {"enabled": True, "every": 1}, "per_class": {"enabled": True}})


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_in_lightning_the_norms_are_of_the_accumulated_gradient_before_clipping(tmp_path: Any) -> None:
    pl = pytest.importorskip("lightning.pytorch", reason="lightning is not installed: make install has it")

    class Net(pl.LightningModule):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.net = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.net(x)
            return out

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            return cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    class Watching(pl.Callback):  # type: ignore[misc,name-defined]
        def __init__(self, watch: Watch) -> None:
            self.watch = watch

        def on_before_optimizer_step(self, *_: object) -> None:
            self.watch.step()

        def on_train_epoch_end(self, *_: object) -> None:
            self.watch.epoch(images, labels)

    draw = torch.Generator().manual_seed(1)
    images, labels = torch.randn(16, 4, generator=draw), torch.randint(3, (16,), generator=draw)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, labels), batch_size=4)
    model = Net()
    expected = [
        torch.cat([grad.flatten() for grad in parted(model, x, y, 2)]).norm().item()
        for x, y in zip(images.chunk(2), labels.chunk(2), strict=True)
    ]

    def run(telemetry: Telemetry) -> None:
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=2,
            accumulate_grad_batches=2,
            gradient_clip_val=1e-3,
            callbacks=[Watching(Watch(telemetry, model))],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=tmp_path,
        )
        trainer.fit(model, data)

    events = kept(run, EVERY)
    assert [event.payload.batch for event in events] == [0, 1, 0, 1]
    assert [event.payload.host_norm for event in events] == pytest.approx(expected * 2, rel=1e-5)
    assert list(events[0].payload.layers) == ["host.net"]


def test_in_a_plain_loop_with_accumulation_too() -> None:
    torch.manual_seed(0)
    model, images, labels = nn.Linear(4, 3), torch.randn(12, 4), torch.randint(3, (12,))
    expected = parted(model, images, labels, 3)

    def run(telemetry: Telemetry) -> None:
        watch = Watch(telemetry, model)
        for x, y in zip(images.chunk(3), labels.chunk(3), strict=True):
            (cross_entropy(model(x), y) / 3).backward()  # type: ignore[no-untyped-call]
        watch.step()
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)

    (event,) = kept(run, EVERY)
    assert event.payload.host_norm == pytest.approx(torch.cat([g.flatten() for g in expected]).norm().item(), rel=1e-5)
