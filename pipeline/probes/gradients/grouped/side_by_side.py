"""Small gradients that lie side by side in the workspace, reduced together: one pass over all for each figure.

>>> space = Workspace(6)
>>> space.values[:] = [3.0, 4.0, 0.0, 1e-9, np.inf, -2.0]
>>> limits = Limits(vanishing=1e-7, exploding=3.5)
>>> found = Totals(*reduced(space, 6, np.array([0, 2]), limits))
>>> found.sums.tolist(), found.zero.tolist(), found.vanishing.tolist(), found.above.tolist(), found.broken.tolist()
([7.0, inf], [0.0, 1.0], [0.0, 2.0], [1.0, 0.0], [0.0, 1.0])
"""

import numpy as np
import numpy.typing as npt

from nissa.pipeline.probes.gradients.bit_sketch import BINS, MIDDLE, SHIFT
from nissa.pipeline.probes.gradients.grouped.limits import LARGEST, Limits
from nissa.pipeline.probes.gradients.grouped.workspace import Workspace
from nissa.pipeline.probes.gradients.layer_totals import Array, Totals, totals

__all__ = ["encode", "reduced"]

_Places = npt.NDArray[np.intp]


def reduced(
    space: Workspace, total: int, starts: _Places, limits: Limits | None, squares: Array | None = None
) -> Array:
    """The fields of `Totals` of the first `total` values, by the gradients that begin at `starts`.

    `squares` are their squared norms, if known.
    Without limits the squares alone. The values are as before.
    """
    columns = totals(len(starts))
    found = Totals(*columns)
    values, scratch = space.values[:total], space.scratch[:total]
    found.squares[:] = np.add.reduceat(np.multiply(values, values, out=scratch), starts) if squares is None else squares
    if limits:
        found.sums[:] = np.add.reduceat(values, starts)
        np.abs(values, out=scratch)
        if limits.most is not None:
            found.zero[:] = _counted(space, np.equal, np.float32(0), total, starts)
            found.vanishing[:] = _counted(space, np.less_equal, limits.most, total, starts)
        _exceptions(space, total, starts, limits, found)
    return columns


def _exceptions(space: Workspace, total: int, starts: _Places, limits: Limits, found: Totals) -> None:
    """Broken and exploding elements, where a norm allows any: no element exceeds it. The scratch holds magnitudes."""
    endless = np.zeros(1)
    if not np.isfinite(found.squares).all():
        endless = _counted(space, np.equal, np.float32(np.inf), total, starts)
        found.broken[:] = _elements(starts, total) - _counted(space, np.less_equal, LARGEST, total, starts)
    if limits.least is not None and limits.reached(np.sqrt(np.max(found.squares))):
        found.above[:] = _counted(space, np.greater, limits.least, total, starts) - endless


def _elements(starts: _Places, total: int) -> Array:
    """How many values each gradient has."""
    return np.diff(starts, append=total).astype(np.float64)


def encode(space: Workspace, total: int, rows: list[int], starts: _Places) -> None:
    """Make of each of the values its bin in the sketch of its row, all sketches side by side, in its own bits."""
    bits, scratch = space.bits(total)
    np.right_shift(bits, SHIFT, out=bits)
    np.right_shift(bits, 31, out=scratch)
    np.bitwise_and(scratch, MIDDLE - 1, out=scratch)
    np.bitwise_xor(bits, scratch, out=bits)
    ends = [*starts[1:].tolist(), total]
    for row, start, end in zip(rows, starts.tolist(), ends, strict=True):
        bits[start:end] += row * BINS + MIDDLE


def _counted(space: Workspace, compare: np.ufunc, limit: np.float32, total: int, starts: _Places) -> Array:
    """For how many magnitudes it holds, by gradient."""
    marks = space.marks[:total]
    compare(space.scratch[:total], limit, out=marks)
    return np.add.reduceat(marks.view(np.uint8), starts, dtype=np.uint32).astype(np.float64)
