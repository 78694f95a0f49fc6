"""Which classes does the network recognize, and which does it take for which?

>>> logits = torch.tensor([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
>>> measured = classes_measured(logits, torch.tensor([0, 1, 1]), names=["cat", "dog"])
>>> measured.classes["dog"].accuracy, measured.confusion
(50.0, [[1, 0], [1, 1]])
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.events.kinds import ClassesMeasured, ClassFigures
from nissa.pipeline.config import PerClassConfig
from nissa.pipeline.probes.transfer import here

__all__ = ["IGNORED", "classes_measured"]

IGNORED = -100
"""The label that cross entropy leaves out."""
_ALL = PerClassConfig(enabled=True, track_loss=True, track_confusion=True)


@torch.no_grad()
def classes_measured(
    logits: Tensor, labels: Tensor, config: PerClassConfig = _ALL, names: Sequence[str] = ()
) -> ClassesMeasured:
    """Accuracy, loss and confusion by class, from logits (..., classes) and labels (...) of int64, in one transfer.

    A class without a name is called by its number; samples labelled -100 are left out. Raises ValueError for any other
    label that is no class, for shapes that do not fit, and if there are names, but not as many as classes.
    """
    n = logits.shape[-1]
    if logits.shape[:-1] != labels.shape:
        raise ValueError(
            f"logits {tuple(logits.shape)} need labels {tuple(logits.shape[:-1])}, not {tuple(labels.shape)}"
        )
    if names and len(names) != n:
        raise ValueError(f"there are {len(names)} names for {n} classes")
    confusion, totals, wrong = here(_counted(logits.reshape(-1, n), labels.reshape(-1)))
    if int(wrong):
        raise ValueError(f"{int(wrong)} labels are neither a class, 0 to {n - 1}, nor {IGNORED}")
    counts = [[int(count) for count in row.tolist()] for row in confusion[:-1].view(n, n)]
    called = names or [str(i) for i in range(n)]
    figures = [
        _figures(row[i], sum(row), total, config)
        for i, (row, total) in enumerate(zip(counts, totals.tolist()[:-1], strict=True))
    ]
    return ClassesMeasured(
        classes=dict(zip(called, figures, strict=True)), confusion=counts if config.track_confusion else None
    )


def _counted(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Confusion (n * n + 1,) and losses by class (n + 1,), with what is no class at the end; labels that are wrong ().

    Wrong labels are counted apart, because on a GPU they would end the process. bincount would wait for the GPU.
    """
    n = logits.shape[1]
    known = (labels >= 0) & (labels < n)
    safe = labels.where(known, 0)
    losses = cross_entropy(logits, safe, reduction="none").double()
    pairs = (safe * n + logits.argmax(1)).where(known, n * n)
    confusion = losses.new_zeros(n * n + 1).scatter_add_(0, pairs, torch.ones_like(losses))
    totals = losses.new_zeros(n + 1).scatter_add_(0, safe.where(known, n), losses)
    return confusion, totals, (known.logical_not() & (labels != IGNORED)).sum()


def _figures(right: int, n: int, lost: float, config: PerClassConfig) -> ClassFigures:
    return ClassFigures(
        n=n,
        accuracy=100 * right / n if n and config.track_accuracy else None,
        loss=lost / n if n and config.track_loss else None,
    )
