"""What is found of the gradients of each layer, before it becomes a row.

>>> rows = by_layer(np.array([[2.0, 1.0, 4.0]] * 7), np.array([0, 2]))
>>> [row.elements for row in rows]
[3.0, 4.0]
"""

from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "LayerTotals", "Totals", "by_layer", "totals"]

Array: TypeAlias = npt.NDArray[np.float64]
T = TypeVar("T", Array, float)


class Totals(NamedTuple, Generic[T]):
    """What is added up: a number, of a layer, or arrays of shape (n,), of n gradients."""

    elements: T
    squares: T
    sums: T
    broken: T
    """NaN or infinite."""
    above: T
    """Finite, and above the threshold in magnitude."""
    zero: T
    vanishing: T
    """Below the threshold in magnitude, zeros among them."""


class LayerTotals(NamedTuple):
    """By layer; one without elements was not found."""

    totals: list[Totals[float]]
    percentiles: list[list[float]]
    """In their order; empty if they were not asked for."""
    octaves: list[list[int]]
    """As `bit_sketch.octaves` counts; empty if they were not asked for."""


def totals(n: int) -> Array:
    """Nothing yet: (fields of Totals, n); `Totals(*it)` gives its rows by name."""
    return np.zeros((len(Totals._fields), n))


def by_layer(found: Array, first: npt.NDArray[np.intp]) -> list[Totals[float]]:
    """The gradients (fields of Totals, n) added up: those of a layer lie side by side, and begin at `first`."""
    added = np.add.reduceat(found, first, axis=1) if len(first) else found
    return [Totals(*row) for row in added.T.tolist()]
