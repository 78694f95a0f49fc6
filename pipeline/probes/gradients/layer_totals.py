"""What is found of the gradients of each layer, before it becomes a row.

>>> totals = by_layer(np.array([[2.0, 1.0, 4.0]] * 7), np.array([0, 2]))
>>> totals.elements.tolist()
[3.0, 4.0]
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Array", "LayerTotals", "Totals", "by_layer", "totals"]

Array: TypeAlias = npt.NDArray[np.float64]


class Totals(NamedTuple):
    """What is added up: each of shape (n,), of n gradients or layers, in float64."""

    elements: Array
    squares: Array
    sums: Array
    broken: Array
    """NaN or infinite."""
    above: Array
    """Finite, and above the threshold in magnitude."""
    zero: Array
    vanishing: Array
    """Below the threshold in magnitude, zeros among them."""


class LayerTotals(NamedTuple):
    """By layer; one without elements was not found."""

    totals: Totals
    percentiles: list[list[float]]
    """In their order; empty if they were not asked for."""
    octaves: list[list[int]]
    """As `bit_sketch.octaves` counts; empty if they were not asked for."""


def totals(n: int) -> Array:
    """Nothing yet: (fields of Totals, n); `Totals(*it)` gives its rows by name."""
    return np.zeros((len(Totals._fields), n))


def by_layer(found: Array, first: npt.NDArray[np.intp]) -> Totals:
    """The gradients added up: those of a layer lie side by side, and begin at `first`."""
    return Totals(*np.add.reduceat(found, first, axis=1)) if len(first) else Totals(*found)
