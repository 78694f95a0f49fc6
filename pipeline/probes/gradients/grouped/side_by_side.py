"""Small gradients that lie side by side in the workspace, reduced together: one pass over all for each figure.

>>> space, limits = Workspace(6), Limits(vanishing=1e-7, exploding=3.5)
>>> space.values[:], places = [3.0, 4.0, 0.0, 1e-9, np.inf, -2.0], Places.of([2, 4])
>>> found = reduced(space, places, limits, keep=True)
>>> found
Columns(squares=[25.0, inf], sums=[7.0, inf], zero=[0, 1], vanishing=[0, 2])
>>> exceptional(found.squares, limits) and exceptions(space, places, limits)
([0, 1], [1, 0])
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nissa.pipeline.probes.gradients.bit_sketch import BINS, MIDDLE, SHIFT
from nissa.pipeline.probes.gradients.grouped.limits import LARGEST, Limits
from nissa.pipeline.probes.gradients.grouped.workspace import Magnitudes, Workspace

__all__ = ["Columns", "Places", "encode", "exceptional", "exceptions", "reduced"]


class Places(NamedTuple):
    """Where in the workspace each of some gradients lies, one after the other."""

    starts: npt.NDArray[np.intp]
    slices: list[slice]
    total: int
    """Elements in all."""

    @classmethod
    def of(cls, sizes: Sequence[int]) -> "Places":
        """By the number of elements of each."""
        ends = list(accumulate(sizes))
        slices = [slice(end - n, end) for n, end in zip(sizes, ends, strict=True)]
        return cls(np.array([own.start for own in slices], np.intp), slices, ends[-1] if ends else 0)


class Columns(NamedTuple):
    """By gradient."""

    squares: list[float]
    sums: list[float]
    zero: list[int]
    vanishing: list[int]


def reduced(
    space: Workspace, places: Places, limits: Limits | None, squares: list[float] | None = None, *, keep: bool = False
) -> Columns:
    """Of the values by gradient; `squares` are those of their norms, if known. Without limits there is nothing else.

    The values are lost, unless they are to be kept: memory that was just used is near.
    """
    none = [0] * len(places.slices)
    values, zero, vanishing, sums = space.values[: places.total], none, none, [0.0] * len(none)
    magnitudes = space.scratch[: places.total] if keep else values
    if limits:
        sums = np.add.reduceat(values, places.starts).tolist()
        if limits.most is not None:
            np.abs(values, out=magnitudes)
            vanishing = _counted(space, np.less_equal, magnitudes, limits.most, places)
            # Without anything vanishing there is no zero.
            zero = _counted(space, np.equal, magnitudes, np.float32(0), places) if any(vanishing) else none
    if squares is None:
        squares = np.add.reduceat(np.multiply(values, values, out=magnitudes), places.starts).tolist()
    return Columns(squares, sums, zero, vanishing)


def exceptional(squares: Iterable[float], limits: Limits) -> bool:
    """Whether norms with these squares allow a broken or an exploding element."""
    return not all(square < limits.ordinary for square in squares)


def exceptions(space: Workspace, places: Places, limits: Limits) -> tuple[list[int], list[int]]:
    """Broken and exploding elements of the values by gradient; the values are kept."""
    magnitudes = np.abs(space.values[: places.total], out=space.scratch[: places.total])
    endless = _counted(space, np.equal, magnitudes, np.float32(np.inf), places)
    numbers = _counted(space, np.less_equal, magnitudes, LARGEST, places)
    broken = [own.stop - own.start - n for own, n in zip(places.slices, numbers, strict=True)]
    if limits.least is None:
        return broken, [0] * len(broken)
    larger = _counted(space, np.greater, magnitudes, limits.least, places)
    return broken, [n - m for n, m in zip(larger, endless, strict=True)]


def encode(space: Workspace, places: Places, rows: Iterable[int]) -> None:
    """Make of each of the values its bin in the sketch of its row, all sketches side by side, in its own bits."""
    bits, scratch = space.bits(places.total)
    np.right_shift(bits, SHIFT, out=bits)
    np.right_shift(bits, 31, out=scratch)
    np.bitwise_and(scratch, MIDDLE - 1, out=scratch)
    np.bitwise_xor(bits, scratch, out=bits)
    for own, row in zip(places.slices, rows, strict=True):
        bits[own] += row * BINS + MIDDLE


def _counted(
    space: Workspace, compare: np.ufunc, magnitudes: Magnitudes, limit: np.float32, places: Places
) -> list[int]:
    """For how many magnitudes it holds, by gradient."""
    marks = compare(magnitudes, limit, out=space.marks[: places.total])
    if not np.count_nonzero(marks):
        return [0] * len(places.slices)
    return [int(np.count_nonzero(marks[own])) for own in places.slices]
