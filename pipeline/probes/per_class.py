"""Which classes does the network recognize, and which does it take for which?

>>> logits = torch.tensor([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
>>> measured = classes_measured(logits, torch.tensor([0, 1, 1]))
>>> measured.classes["1"].accuracy, measured.confusion
(50.0, [[1, 0], [1, 1]])
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.events.kinds import ClassesMeasured, ClassFigures

__all__ = ["classes_measured"]


@torch.no_grad()
def classes_measured(logits: Tensor, labels: Tensor) -> ClassesMeasured:
    """Accuracy, loss and confusion by class, from logits (n, classes) and labels (n,) of int64, in one transfer.

    A class is called by its number. Raises RuntimeError for a label that is no class.
    """
    n = logits.shape[1]
    losses = cross_entropy(logits, labels, reduction="none").double()
    pairs = labels * n + logits.argmax(1)
    # bincount would wait for a GPU to say how long its output is.
    confusion = losses.new_zeros(n * n).scatter_add_(0, pairs, torch.ones_like(losses))
    totals = losses.new_zeros(n).scatter_add_(0, labels, losses)
    *rows, lost = torch.cat([confusion, totals]).view(n + 1, n).tolist()
    counts = [[int(count) for count in row] for row in rows]
    classes = {str(i): _figures(row[i], sum(row), lost[i]) for i, row in enumerate(counts)}
    return ClassesMeasured(classes=classes, confusion=counts)


def _figures(right: int, n: int, lost: float) -> ClassFigures:
    return ClassFigures(n=n, accuracy=100 * right / n, loss=lost / n) if n else ClassFigures(n=0)
