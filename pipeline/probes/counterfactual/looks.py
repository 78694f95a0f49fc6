"""The validation set in one configuration after the other, and what all of them come to, in one transfer."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nissa.pipeline.probes.model import to_cpu

__all__ = ["Evaluate", "Figures", "Look", "Loss", "looked", "read"]

Evaluate = Callable[[], Iterable[tuple[Tensor, Tensor]]]
"""Sends the validation set through the network batch by batch: logits (n, classes) and labels (n,). It is called for
each configuration, and must send the same samples in the same order each time."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Mean of a batch, from logits and labels."""
_PAIRED = 256
"""Configurations up to which it is told how far each two agree: 32,640 numbers."""


class Look(NamedTuple):
    """The validation set in one configuration, on its device."""

    right: Tensor
    """Which samples are."""
    labels: Tensor
    loss: Tensor
    """Summed over samples."""
    classes: int


class Figures(NamedTuple):
    """What all configurations came to."""

    n: int
    losses: list[float]
    """By configuration, summed over samples."""
    right: list[float]
    """By configuration, samples."""
    members: list[float]
    """Samples of each class."""
    hits: list[list[float]]
    """By configuration and class, samples that are right."""
    apart: list[list[int]] | None
    """By configuration, and each one before it: samples that one of the two gets right and the other wrong."""


def looked(evaluate: Evaluate, loss: Loss) -> Look:
    """One pass; nothing leaves the device. Raises ValueError where there is no sample."""
    right, labels, losses, classes = [], [], [], 0
    for logits, known in evaluate():
        right.append(logits.argmax(1) == known)
        labels.append(known)
        losses.append(loss(logits, known).double() * len(known))
        classes = logits.shape[1]
    if not sum(map(len, labels)):
        raise ValueError("evaluate() sent no samples")
    return Look(torch.cat(right), torch.cat(labels), torch.stack(losses).sum(), classes)


def read(looks: Sequence[Look]) -> Figures:
    """All figures. Raises ValueError where the samples were not the same each time."""
    labels, classes = looks[0].labels, looks[0].classes
    if any(look.labels.shape != labels.shape for look in looks):
        raise ValueError("evaluate() must send the same samples each time, and their number changed")
    moved = torch.stack([(look.labels != labels).any() for look in looks]).any()
    right = torch.stack([look.right for look in looks]).double()
    members = (labels.unsqueeze(1) == torch.arange(classes, device=labels.device)).double()
    counts, losses = right.sum(1), torch.stack([look.loss for look in looks])
    # What either of two gets right, but for what both do, which is in both counts.
    apart = counts.unsqueeze(1) + counts - 2 * right @ right.T if len(looks) <= _PAIRED else counts.new_empty(0)
    figures = to_cpu([moved, losses, counts, members.sum(0), right @ members, apart])
    is_moved, lost, counted, sizes, hits, differ = [figure.tolist() for figure in figures]
    if is_moved:
        raise ValueError("evaluate() must send the same samples in the same order each time: do not shuffle them")
    triangle = [[round(count) for count in row[:place]] for place, row in enumerate(differ)]
    return Figures(len(labels), lost, counted, sizes, hits, triangle or None)
