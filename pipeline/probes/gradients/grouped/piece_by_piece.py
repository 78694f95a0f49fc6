"""A large gradient, reduced where it lies: piece by piece, so that a piece is still in the cache for the next figure.

>>> space, limits = Workspace(4), Limits(vanishing=1e-7, exploding=3.5)
>>> found = Totals(*reduced(space, torch.tensor([3.0, 4.0, 0.0]), limits))
>>> [float(figure) for figure in (found.squares, found.sums, found.above, found.zero, found.vanishing)]
[25.0, 7.0, 1.0, 1.0, 1.0]
"""

from math import isfinite

import numpy as np
import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS
from nissa.pipeline.probes.gradients.grouped.limits import LARGEST, Limits
from nissa.pipeline.probes.gradients.grouped.side_by_side import encode
from nissa.pipeline.probes.gradients.grouped.workspace import Magnitudes, Workspace
from nissa.pipeline.probes.gradients.layer_totals import Array, Totals, totals
from nissa.pipeline.probes.gradients.reductions import PIECE, flat, sampled

__all__ = ["reduced", "sketched"]


def reduced(space: Workspace, grad: Tensor, limits: Limits | None, norm: float | None = None) -> Array:
    """The fields of `Totals`, of one gradient, and its `norm` if that is known; without limits its squares alone."""
    pieces = flat(grad.detach().resolve_neg()).split(PIECE)  # type: ignore[no-untyped-call]
    found: Array
    if norm is None:
        found = np.sum([_piece(space, piece, limits, _norm(piece)) for piece in pieces], axis=0)
        return found
    ordinary = isfinite(norm) and not (limits and limits.reached(norm))
    found = np.sum([_piece(space, piece, limits, 0.0 if ordinary else _norm(piece)) for piece in pieces], axis=0)
    Totals(*found[:, None]).squares[0] = norm * norm
    return found


def sketched(space: Workspace, grad: Tensor) -> Tensor:
    """Its elements by bin (4096,), of a sample in which each counts as often as it stands for others."""
    values, k = sampled(grad.detach().resolve_neg())
    n = len(values)
    np.copyto(space.values[:n], values.numpy())
    encode(space, [slice(0, n)], [0])
    return space.counted(n, BINS) * k


def _norm(piece: Tensor) -> float:
    return float(torch.linalg.vector_norm(piece))


def _piece(space: Workspace, piece: Tensor, limits: Limits | None, norm: float) -> Array:
    column = totals(1)
    found = Totals(*column)
    found.squares[0] = norm * norm
    if limits:
        found.sums[0] = piece.sum().item()
        magnitudes = np.abs(piece.numpy(), out=space.scratch[: len(piece)])
        if limits.most is not None:
            found.vanishing[0] = _counted(space, np.less_equal, magnitudes, limits.most)
            found.zero[0] = _counted(space, np.equal, magnitudes, np.float32(0)) if found.vanishing[0] else 0
        _exceptions(space, magnitudes, norm, limits, found)
    return column[:, 0]


def _exceptions(space: Workspace, magnitudes: Magnitudes, norm: float, limits: Limits, found: Totals) -> None:
    """Broken and exploding elements, where the norm allows any."""
    endless = 0
    if not isfinite(norm):
        endless = _counted(space, np.equal, magnitudes, np.float32(np.inf))
        found.broken[0] = len(magnitudes) - _counted(space, np.less_equal, magnitudes, LARGEST)
    if limits.least is not None and limits.reached(norm):
        found.above[0] = _counted(space, np.greater, magnitudes, limits.least) - endless


def _counted(space: Workspace, compare: np.ufunc, magnitudes: Magnitudes, limit: np.float32) -> int:
    return int(np.count_nonzero(compare(magnitudes, limit, out=space.marks[: len(magnitudes)])))
