"""A large gradient, reduced where it lies: piece by piece, so that a piece is still in the cache for the next figure.

>>> space, limits = Workspace(4), Limits(vanishing=1e-7, exploding=3.5)
>>> reduced(space, torch.tensor([3.0, 4.0, 0.0]), limits)[:7]
(3, 25.0, 7.0, 0, 1, 1, 1)
"""

import numpy as np
import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS
from nissa.pipeline.probes.gradients.grouped.limits import LARGEST, Limits
from nissa.pipeline.probes.gradients.grouped.order_statistics import finite_range
from nissa.pipeline.probes.gradients.grouped.side_by_side import Places, encode, exceptional
from nissa.pipeline.probes.gradients.grouped.workspace import Magnitudes, Workspace
from nissa.pipeline.probes.gradients.layer_totals import NOTHING, Totals
from nissa.pipeline.probes.gradients.reductions import PIECE, flat, sampled

__all__ = ["reduced", "sketched"]


def reduced(space: Workspace, grad: Tensor, limits: Limits | None, norm: float | None = None) -> Totals:
    """One gradient, and its `norm` if that is known; without limits its squares alone."""
    found = NOTHING
    for piece in flat(grad.detach().resolve_neg()).split(PIECE):  # type: ignore[no-untyped-call]
        found = found.plus(_piece(space, piece, limits))
    return found if norm is None else found._replace(squares=norm * norm)


def sketched(space: Workspace, grad: Tensor) -> tuple[Tensor, float, float]:
    """Its elements by bin (4096,), of a sample in which each counts as often as it stands for others, and its range."""
    values, k = sampled(grad.detach().resolve_neg())
    n = len(values)
    np.copyto(space.values[:n], values.numpy())
    least, largest = finite_range(space.values[:n])
    encode(space, Places.of([n]), [0])
    return space.counted(n, BINS) * k, least, largest


def _piece(space: Workspace, piece: Tensor, limits: Limits | None) -> Totals:
    n, squares = len(piece), float(torch.linalg.vector_norm(piece)) ** 2
    if not limits:
        return NOTHING._replace(elements=n, squares=squares)
    sums = float(piece.sum())
    magnitudes = np.abs(piece.numpy(), out=space.scratch[:n])
    vanishing = 0 if limits.most is None else _counted(space, np.less_equal, magnitudes, limits.most)
    zero = _counted(space, np.equal, magnitudes, np.float32(0)) if vanishing else 0
    broken = above = 0
    if exceptional([squares], limits):
        broken = n - _counted(space, np.less_equal, magnitudes, LARGEST)
        if limits.least is not None:
            endless = _counted(space, np.equal, magnitudes, np.float32(np.inf))
            above = _counted(space, np.greater, magnitudes, limits.least) - endless
    return Totals(n, squares, sums, broken, above, zero, vanishing)


def _counted(space: Workspace, compare: np.ufunc, magnitudes: Magnitudes, limit: np.float32) -> int:
    return int(np.count_nonzero(compare(magnitudes, limit, out=space.marks[: len(magnitudes)])))
