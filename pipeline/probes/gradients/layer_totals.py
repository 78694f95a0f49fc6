"""What is found of the gradients of each layer, before it becomes a row.

>>> one, other = Totals(2, 25.0, 7.0, 0, 0, 0, 1), Totals(1, 4.0, -2.0, 0, 0, 0, 0)
>>> one.plus(other)[:7]
(3, 29.0, 5.0, 0, 0, 0, 1)
>>> [own.octaves for own in LayerTotals([one, other], [], [[1, 1], [0, 1]]).by_layer()]
[[1, 1], [0, 1]]
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import add
from typing import NamedTuple

from nissa.pipeline.probes.gradients.sample import Sample

__all__ = ["NOTHING", "LayerFigures", "LayerTotals", "Totals"]


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
    unseen: int = 0
    """Elements for which others stand, that were drawn."""
    squares_error: float = 0.0
    """Variance of `squares`, where some are."""
    sums_error: float = 0.0
    """Variance of `sums`."""

    def plus(self, other: "Totals") -> "Totals":
        """Of both together."""
        return Totals._make(map(add, self, other))


NOTHING = Totals(0, 0.0, 0.0, 0, 0, 0, 0)


class LayerFigures(NamedTuple):
    """Of one layer, or of several together."""

    totals: Totals
    percentiles: Sequence[float] = ()
    """In their order; empty if they were not asked for, or cannot be told of several layers."""
    octaves: Sequence[int] | None = None
    """As `bit_sketch.octaves` counts; None if they were not asked for."""
    sample: Sample | None = None
    """What percentiles and octaves are taken from; None where they are known."""

    def plus(self, other: "LayerFigures") -> "LayerFigures":
        """Of both together."""
        octaves = [*map(add, self.octaves, other.octaves)] if self.octaves and other.octaves else None
        sample = self.sample.plus(other.sample) if self.sample and other.sample else None
        return LayerFigures(self.totals.plus(other.totals), (), octaves, sample)


class LayerTotals(NamedTuple):
    """By layer; one without elements was not found."""

    totals: list[Totals]
    percentiles: list[list[float]]
    """In their order; empty if they were not asked for, or are taken from samples."""
    octaves: list[list[int]]
    """As `bit_sketch.octaves` counts; empty if they were not asked for, or are taken from samples."""
    samples: Sequence[Sample] = ()
    """What percentiles and octaves are taken from; empty where they are known, or were not asked for."""

    def by_layer(self) -> Iterator[LayerFigures]:
        """The figures of each, in their order."""
        points: Iterable[Sequence[float]] = self.percentiles or repeat(())
        counts: Iterable[Sequence[int] | None] = self.octaves or repeat(None)
        samples: Iterable[Sample | None] = self.samples or repeat(None)
        return map(LayerFigures, self.totals, points, counts, samples)
