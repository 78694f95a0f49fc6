"""One epoch of training: the host and its seeds, batch by batch, each batch reported."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.probes import StepGradients, leakage
from nissa.trainer.network import Model
from nissa.trainer.training.clipping import clip

__all__ = ["TrainedEpoch", "train_epoch"]


class TrainedEpoch(NamedTuple):
    """What an epoch came to. Loss in nats, accuracy in percent, both over samples; norms as means over batches."""

    loss: float
    accuracy: float
    host_grad_norm: float
    seed_grad_norms: dict[str, float]
    isolation_leakage: float | None


def train_epoch(
    model: Model,
    batches: Iterable[tuple[Tensor, Tensor]],
    report: Callable[[BatchCompleted], None],
    look: Callable[[StepGradients], object] | None = None,
) -> TrainedEpoch:
    """Train on every batch, (images (n, 1, 8, 8), labels (n,)), and report each one.

    A seed that has just germinated gets gradients to be looked at, but does not learn yet. `look` is called for each
    batch with its gradients, when they are complete, and not clipped yet.
    """
    for slot in model.slots.values():
        slot.start_epoch()
    done, sizes = [], []
    for number, (images, labels) in enumerate(batches):
        batch = _train_batch(model, images, labels, number, look)
        report(batch)
        done.append(batch)
        sizes.append(len(labels))
    return _total(done, sizes)


def _train_batch(
    model: Model, images: Tensor, labels: Tensor, number: int, look: Callable[[StepGradients], object] | None
) -> BatchCompleted:
    logits = model(images)
    loss = cross_entropy(logits, labels)
    # It costs another backward pass, and what holds for one batch of an epoch holds for all of them.
    leak = _leakage(model, loss) if number == 0 else []
    model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = StepGradients(model.parts())
    if look:
        look(gradients)
    hits = (logits.argmax(1) == labels).sum()
    (mean_loss, right, *leaked), norms = _step(model, gradients.norms, torch.stack([loss.detach(), hits, *leak]))
    return BatchCompleted(
        batch=number,
        loss=mean_loss,
        accuracy=100 * right / len(labels),
        host_grad_norm=norms.pop("host"),
        seed_grad_norms=norms,
        isolation_leakage=leaked[0] if leaked else None,
    )


def _step(model: Model, found: dict[str, Tensor], figures: Tensor) -> tuple[list[float], dict[str, float]]:
    """Clip and step; the figures and the norms before clipping by "host" and slot, all in one transfer."""
    read: list[float] = torch.cat([figures, torch.stack(list(found.values()))]).tolist()
    norms = dict(zip(found, read[len(figures) :], strict=True))
    for name, part in model.parts().items():
        clip(part, norms[name])
    model.optimizer.step()
    for slot in model.seeded():
        if slot.seed is not None and slot.stage != "GERMINATED":
            slot.seed.optimizer.step()
    return read[: len(figures)], norms


def _leakage(model: Model, loss: Tensor) -> list[Tensor]:
    """What isolated seeds send into the host; empty where none is isolated."""
    terms = [slot.term for slot in model.isolated() if slot.term is not None]
    return [leakage(loss, terms, list(model.host.parameters()))] if terms else []


def _total(batches: list[BatchCompleted], sizes: list[int]) -> TrainedEpoch:
    n = sum(sizes)
    return TrainedEpoch(
        sum(batch.loss * size for batch, size in zip(batches, sizes, strict=True)) / n,
        # Both are measured in every batch here; to other trainers they are optional.
        sum((batch.accuracy or 0.0) * size for batch, size in zip(batches, sizes, strict=True)) / n,
        sum(batch.host_grad_norm or 0.0 for batch in batches) / len(batches),
        {slot: sum(b.seed_grad_norms[slot] for b in batches) / len(batches) for slot in batches[0].seed_grad_norms},
        max((batch.isolation_leakage for batch in batches if batch.isolation_leakage is not None), default=None),
    )
