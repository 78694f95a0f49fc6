"""One epoch of training: the host and its seeds, batch by batch, each batch reported."""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.events.kinds import BatchCompleted
from nissa.pipeline.probes import StepGradients
from nissa.trainer.network import Model
from nissa.trainer.training.clipping import MAX_NORM, clip
from nissa.trainer.training.isolation import gradient_leakage, logits_beside, non_finite

__all__ = ["TrainedEpoch", "train_epoch"]


class TrainedEpoch(NamedTuple):
    """What an epoch came to. Loss in nats, accuracy in percent, both over samples; norms as means over batches.

    Leakage is that of the first batch, and what is not finite the sum over all of them.
    """

    loss: float
    accuracy: float
    host_grad_norm: float
    seed_grad_norms: dict[str, float]
    isolation_leakage: float | None
    isolation_forward_leakage: float | None
    seed_non_finite: dict[str, int]
    clipped: float
    """Share of the batches in which the gradient of the host was clipped."""

    def is_finite(self, slot: str) -> bool:
        """Whether gradient and, in isolation, outputs of the slot's seed were finite in every batch."""
        return isfinite(self.seed_grad_norms[slot]) and not self.seed_non_finite.get(slot)


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
    # It costs another pass each way, and what holds for one batch of an epoch holds for all of them.
    measured = number == 0 and bool(model.isolated())
    logits, *moved = logits_beside(model, images) if measured else (model(images),)
    loss = cross_entropy(logits, labels)
    leaks = [gradient_leakage(model, loss), *moved] if measured else []
    model.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = StepGradients(model.parts())
    if look:
        look(gradients)
    hits = (logits.argmax(1) == labels).sum()
    broken = non_finite(model)
    figures = torch.stack([loss.detach(), hits, *broken.values(), *leaks])
    (mean_loss, right, *rest), norms = _step(model, gradients.norms, figures)
    leaked = rest[len(broken) :] or (None, None)
    return BatchCompleted(
        batch=number,
        loss=mean_loss,
        accuracy=100 * right / len(labels),
        host_grad_norm=norms.pop("host"),
        seed_grad_norms=norms,
        isolation_leakage=leaked[0],
        isolation_forward_leakage=leaked[1],
        seed_non_finite={slot: int(count) for slot, count in zip(broken, rest, strict=False)},
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


def _total(batches: list[BatchCompleted], sizes: list[int]) -> TrainedEpoch:
    n = sum(sizes)
    return TrainedEpoch(
        sum(batch.loss * size for batch, size in zip(batches, sizes, strict=True)) / n,
        # Both are measured in every batch here; to other trainers they are optional.
        sum((batch.accuracy or 0.0) * size for batch, size in zip(batches, sizes, strict=True)) / n,
        sum(batch.host_grad_norm or 0.0 for batch in batches) / len(batches),
        {slot: sum(b.seed_grad_norms[slot] for b in batches) / len(batches) for slot in batches[0].seed_grad_norms},
        batches[0].isolation_leakage,
        batches[0].isolation_forward_leakage,
        {slot: sum(batch.seed_non_finite[slot] for batch in batches) for slot in batches[0].seed_non_finite},
        sum((batch.host_grad_norm or 0.0) > MAX_NORM for batch in batches) / len(batches),
    )
