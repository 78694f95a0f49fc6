"""Which classes does the network recognize, and which does it take for which?

>>> logits = torch.tensor([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
>>> measured = classes_measured(logits, torch.tensor([0, 1, 1]), names=["cat", "dog"])
>>> measured.classes["dog"].accuracy, measured.confusion
(50.0, [[1, 0], [1, 1]])
>>> rows, labels = samples(torch.zeros(2, 10, 5, 5), torch.zeros(2, 5, 5, dtype=torch.uint8))
>>> rows.shape, labels.shape, labels.dtype
(torch.Size([50, 10]), torch.Size([50]), torch.int64)
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.events.kinds import ClassesMeasured, ClassFigures
from nissa.pipeline.config import PerClassConfig
from nissa.pipeline.probes.model import to_cpu

__all__ = ["CONFUSED", "IGNORED", "classes_measured", "samples"]

IGNORED = -100
"""The label that cross entropy leaves out."""
CONFUSED = 1_000
"""Of more classes than these it is not told which is taken for which."""
_ALL = PerClassConfig(enabled=True, track_loss=True, track_confusion=True)


@torch.no_grad()
def classes_measured(
    logits: Tensor, labels: Tensor, config: PerClassConfig = _ALL, names: Sequence[str] = ()
) -> ClassesMeasured:
    """Accuracy, loss and confusion by class, in one transfer, from logits and labels as `samples` takes them.

    A class without a name is called by its number; samples labelled -100 are left out. A sample whose logits are broken
    (any NaN or inf, or all -inf) is not recognized: the accuracy of its class is NaN, and it is in no cell of the
    confusion. Raises ValueError for any other label that is no class, for shapes that do not fit, and if there are
    names, but not as many as classes; TypeError for labels that are no integers.
    """
    logits, labels = samples(logits, labels)
    n = logits.shape[1]
    if names and len(names) != n:
        raise ValueError(f"there are {len(names)} names for {n} classes")
    seen, right, lost, confusion, wrong = to_cpu(_counted(logits, labels, config))
    if int(wrong):
        raise ValueError(f"{int(wrong)} labels are neither a class, 0 to {n - 1}, nor {IGNORED}")
    called = names or [str(i) for i in range(n)]
    rows = zip(seen.tolist(), right.tolist(), lost.tolist(), strict=True)
    return ClassesMeasured(
        classes={name: _figures(*row, config) for name, row in zip(called, rows, strict=False)},
        confusion=confusion[:-1].view(n, n).long().tolist() if len(confusion) else None,
    )


def samples(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (samples, classes) and labels (samples,) of int64, from labels (...) of any whole numbers.

    Classes are in the last dimension of the logits or, as cross entropy has them, in dimension 1. Logits of two
    dimensions are one row for each label. Raises TypeError for labels that are no whole numbers, as those of a
    regression, and for logits that are no tensor; ValueError where no shape fits, or two do.
    """
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits must be a tensor, not {type(logits).__name__}: Watch(logits=...) takes them out")
    if labels.is_floating_point() or labels.is_complex():
        raise TypeError(f"labels of {labels.dtype} are no classes: switch per_class off for a regression")
    n = labels.numel()
    if logits.dim() == 2 and len(logits) == n:
        return logits, labels.reshape(n).long()
    fits = {at for at in (1, logits.dim() - 1) if 0 < at < logits.dim() and _without(logits, at) == labels.shape}
    if len(fits) != 1:
        shapes = f"logits {tuple(logits.shape)} and labels {tuple(labels.shape)}"
        how = "fit in two ways" if fits else "do not fit"
        raise ValueError(f"{shapes} {how}: Watch(logits=...) makes logits (samples, classes) of what a model returns")
    (at,) = fits
    return logits.movedim(at, -1).flatten(0, -2), labels.reshape(n).long()


def _counted(logits: Tensor, labels: Tensor, config: PerClassConfig) -> list[Tensor]:
    """By class (n + 1,), with what is no class at the end: samples, those recognized, and losses.

    Then the confusion (n * n + 1,), empty if it is not wanted, and labels that are wrong (). These are counted apart,
    because on a GPU they would end the process. bincount would wait for the GPU.
    """
    n = logits.shape[1]
    known = (labels >= 0) & (labels < n)
    safe, place = labels.where(known, 0), labels.where(known, n)
    most, guess = logits.max(1)
    broken = most.isfinite().logical_not()
    seen = torch.ones_like(labels, dtype=torch.float64)
    right = (guess == labels).double().masked_fill(broken, torch.nan)
    lost = cross_entropy(logits, safe, reduction="none").double() if config.track_loss else torch.zeros_like(seen)
    confused = seen.new_zeros(0)
    if config.track_confusion and n <= CONFUSED:
        confused = _summed((safe * n + guess).where(known & broken.logical_not(), n * n), seen, n * n + 1)
    by_class = [_summed(place, values, n + 1) for values in (seen, right, lost)]
    return [*by_class, confused, (known.logical_not() & (labels != IGNORED)).sum()]


def _summed(where: Tensor, values: Tensor, n: int) -> Tensor:
    return values.new_zeros(n).scatter_add_(0, where, values)


def _figures(n: float, right: float, lost: float, config: PerClassConfig) -> ClassFigures:
    return ClassFigures(
        n=int(n),
        accuracy=100 * right / n if n and config.track_accuracy else None,
        loss=lost / n if n and config.track_loss else None,
    )


def _without(logits: Tensor, dimension: int) -> torch.Size:
    return logits.shape[:dimension] + logits.shape[dimension + 1 :]
