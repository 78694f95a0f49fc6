"""Small gradients that lie side by side in the workspace, reduced together: one pass over all for each figure.

>>> space, limits, own = Workspace(6), Limits(vanishing=1e-7, exploding=3.5), [slice(0, 2), slice(2, 6)]
>>> space.values[:] = [3.0, 4.0, 0.0, 1e-9, np.inf, -2.0]
>>> found = reduced(space, own, limits, keep=True)
>>> if exceptional(found, limits):
...     count_exceptions(space, own, limits, found)
>>> found.sums.tolist(), found.zero.tolist(), found.vanishing.tolist(), found.above.tolist(), found.broken.tolist()
([7.0, inf], [0.0, 1.0], [0.0, 2.0], [1.0, 0.0], [0.0, 1.0])
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from nissa.pipeline.probes.gradients.bit_sketch import BINS, MIDDLE, SHIFT
from nissa.pipeline.probes.gradients.grouped.limits import LARGEST, Limits
from nissa.pipeline.probes.gradients.grouped.workspace import Magnitudes, Workspace
from nissa.pipeline.probes.gradients.layer_totals import Array, Totals, totals

__all__ = ["count_exceptions", "encode", "exceptional", "reduced"]

_Slices = Sequence[slice]


def reduced(
    space: Workspace, own: _Slices, limits: Limits | None, squares: Array | None = None, *, keep: bool = False
) -> Totals:
    """Of the values by gradient, each of which has its slice, one after the other; `squares` of their norms, if known.

    Without limits the squares alone. The values are lost, unless they are to be kept: memory that was just used is
    near. Broken and exploding elements are not counted.
    """
    found, total = Totals(*totals(len(own))), own[-1].stop
    values, starts = space.values[:total], [part.start for part in own]
    magnitudes = space.scratch[:total] if keep else values
    if limits:
        found.sums[:] = np.add.reduceat(values, starts)
        if limits.most is not None:
            np.abs(values, out=magnitudes)
            _count_small(space, magnitudes, own, limits.most, found)
    if squares is None:
        squares = np.add.reduceat(np.multiply(values, values, out=magnitudes), starts)
    found.squares[:] = squares
    return found


def exceptional(found: Totals, limits: Limits) -> bool:
    """Whether the norms allow a broken or an exploding element."""
    most = float(np.max(found.squares))
    return not most <= LARGEST or limits.reached(sqrt(most))


def count_exceptions(space: Workspace, own: _Slices, limits: Limits, found: Totals) -> None:
    """Count broken and exploding elements of the values, and keep these."""
    total = own[-1].stop
    magnitudes = np.abs(space.values[:total], out=space.scratch[:total])
    endless = _counted(space, np.equal, magnitudes, np.float32(np.inf), own)
    found.broken[:] = [part.stop - part.start for part in own]
    found.broken[:] -= _counted(space, np.less_equal, magnitudes, LARGEST, own)
    if limits.least is not None:
        found.above[:] = _counted(space, np.greater, magnitudes, limits.least, own)
        found.above[:] -= endless


def encode(space: Workspace, own: _Slices, rows: Sequence[int]) -> None:
    """Make of each of the values its bin in the sketch of its row, all sketches side by side, in its own bits."""
    bits, scratch = space.bits(own[-1].stop)
    np.right_shift(bits, SHIFT, out=bits)
    np.right_shift(bits, 31, out=scratch)
    np.bitwise_and(scratch, MIDDLE - 1, out=scratch)
    np.bitwise_xor(bits, scratch, out=bits)
    for part, row in zip(own, rows, strict=True):
        bits[part] += row * BINS + MIDDLE


def _count_small(space: Workspace, magnitudes: Magnitudes, own: _Slices, most: np.float32, found: Totals) -> None:
    """Vanishing elements, and zeros, of which there are none unless something is vanishing."""
    found.vanishing[:] = _counted(space, np.less_equal, magnitudes, most, own)
    if found.vanishing.any():
        found.zero[:] = _counted(space, np.equal, magnitudes, np.float32(0), own)


def _counted(
    space: Workspace, compare: np.ufunc, magnitudes: Magnitudes, limit: np.float32, own: _Slices
) -> list[int] | int:
    """For how many magnitudes it holds, by gradient; 0 for none at all."""
    marks = compare(magnitudes, limit, out=space.marks[: len(magnitudes)])
    return [np.count_nonzero(marks[part]) for part in own] if np.count_nonzero(marks) else 0
