"""What a sample of elements says of all: quantiles with their standard errors, and counts by octave.

Elements come from strata, the tensors of a layer or of a group of layers. In each, every element stands for as many.
The standard error of a quantile is a quarter of the distance of the quantiles two standard errors of its rank below and
above it (Woodruff 1952, JASA 47:635).

>>> whole = Sample.of(np.arange(5, dtype=np.float32))
>>> whole.quantiles((0.25, 1.0))
([1.0, 4.0], [0.0, 0.0])
>>> drawn = Sample.of(np.arange(100, dtype=np.float32), 7.0, (-1.0, 200.0))
>>> [[round(number, 6) for number in own] for own in drawn.quantiles((0.5, 1.0))]
[[49.5, 200.0], [4.95, 0.0]]
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from nissa.pipeline.probes.gradients.bit_sketch import octaves, sketch

__all__ = ["Sample"]

Values: TypeAlias = npt.NDArray[np.float32]
Wide: TypeAlias = npt.NDArray[np.float64]


class Sample(NamedTuple):
    """Finite elements by stratum, for how many each of them stands, and the range of all there are."""

    strata: tuple[Values, ...]
    weights: tuple[float, ...]
    least: float
    largest: float

    @classmethod
    def of(cls, values: Values, weight: float = 1.0, ends: tuple[float, float] | None = None) -> "Sample":
        """One stratum; what is not finite is left out. `ends` are known if these are not all the elements."""
        own = values[np.isfinite(values)]
        least, largest = ends or (float(own.min(initial=np.inf)), float(own.max(initial=-np.inf)))
        return cls((own,), (weight,), least, largest)

    def plus(self, other: "Sample") -> "Sample":
        """The strata of both."""
        ends = min(self.least, other.least), max(self.largest, other.largest)
        return Sample(self.strata + other.strata, self.weights + other.weights, *ends)

    def quantiles(self, points: tuple[float, ...]) -> tuple[list[float], list[float]]:
        """At each of the points, 0-1, and their standard errors; NaN where no element is finite.

        Those of all elements are numpy's linear ones. At 0 and 1 they are the ends of the range, which are known.
        """
        lengths = [len(own) for own in self.strata]
        if not sum(lengths):
            return [np.nan] * len(points), [0.0] * len(points)
        values, weights = np.concatenate(self.strata), np.repeat(self.weights, lengths)
        order = np.argsort(values)
        ordered, middles = values[order].astype(np.float64), np.cumsum(weights[order]) - weights[order] / 2
        ranks = (middles - middles[0]) / max(middles[-1] - middles[0], 1.0)
        at = np.asarray(points)
        found = np.interp(at, ranks, ordered)
        errors = self._rank_errors(found)
        apart = np.interp(at + 2 * errors, ranks, ordered) - np.interp(at - 2 * errors, ranks, ordered)
        ends = [self.least if q <= 0 else self.largest if q >= 1 else x for q, x in zip(points, found, strict=True)]
        spreads = [0.0 if q in {0, 1} else x for q, x in zip(points, (apart / 4).tolist(), strict=True)]
        return [float(x) for x in ends], spreads

    def octaves(self) -> list[int]:
        """How many elements there are in each octave, as `bit_sketch.octaves` has them."""
        strata = zip(self.strata, self.weights, strict=True)
        counts = sum((sketch(torch.from_numpy(own)) * weight for own, weight in strata), torch.zeros(1))
        return [round(n) for n in octaves(counts[None])[0].tolist()]

    def _rank_errors(self, found: Wide) -> Wide:
        """Standard errors of the ranks of these values: a stratum of which all elements are known has none."""
        sizes = [len(own) * weight for own, weight in zip(self.strata, self.weights, strict=True)]
        variance = np.zeros(len(found))
        for own, weight, size in zip(self.strata, self.weights, sizes, strict=True):
            if weight > 1 and len(own):
                share = np.array([np.count_nonzero(own <= x) for x in found]) / len(own)
                variance += (size / sum(sizes)) ** 2 * share * (1 - share) / len(own)
        return np.sqrt(variance)
