"""What is found of the gradients of each layer, before it becomes a row.

>>> one, other = Totals(2, 25.0, 7.0, 0, 0, 0, 1), Totals(1, 4.0, -2.0, 0, 0, 0, 0)
>>> one.plus(other)
Totals(elements=3, squares=29.0, sums=5.0, broken=0, above=0, zero=0, vanishing=1)
"""

from operator import add
from typing import NamedTuple

__all__ = ["NOTHING", "LayerTotals", "Totals"]


class Totals(NamedTuple):
    """What is added up, of a gradient or a layer."""

    elements: int
    squares: float
    sums: float
    broken: int
    """NaN or infinite."""
    above: int
    """Finite, and above the threshold in magnitude."""
    zero: int
    vanishing: int
    """Below the threshold in magnitude, zeros among them."""

    def plus(self, other: "Totals") -> "Totals":
        """Of both together."""
        return Totals._make(map(add, self, other))


NOTHING = Totals(0, 0.0, 0.0, 0, 0, 0, 0)


class LayerTotals(NamedTuple):
    """By layer; one without elements was not found."""

    totals: list[Totals]
    percentiles: list[list[float]]
    """In their order; empty if they were not asked for."""
    octaves: list[list[int]]
    """As `bit_sketch.octaves` counts; empty if they were not asked for."""
