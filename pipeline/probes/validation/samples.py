"""Which logits belong to which label? One row for each sample, whatever their shapes are.

>>> rows, labels = samples(torch.zeros(2, 10, 5, 5), torch.zeros(2, 5, 5, dtype=torch.uint8))
>>> rows.shape, labels.shape, labels.dtype
(torch.Size([50, 10]), torch.Size([50]), torch.int64)
"""

import torch
from torch import Tensor

__all__ = ["samples"]


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


def _without(logits: Tensor, dimension: int) -> torch.Size:
    return logits.shape[:dimension] + logits.shape[dimension + 1 :]
