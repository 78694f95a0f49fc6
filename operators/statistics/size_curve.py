"""How accurate is a network of a size, and how large one of an accuracy? Interpolated between sizes that were measured.

Means at each size, made to rise with it by isotonic regression (pool adjacent violators: Ayer et al. 1955, Annals of
Mathematical Statistics 26:4), straight between sizes over their logarithm. Outside of what was measured nothing is
said: a curve that flattens cannot be continued.

>>> curve = SizeCurve.of([(100, 80.0), (400, 90.0)])
>>> round(curve.accuracy_at(200), 6), round(curve.size_at(85.0), 6)
(85.0, 200.0)
>>> curve.accuracy_at(401), curve.size_at(90.1)
(None, None)
"""

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from math import exp, isfinite, log
from statistics import fmean
from typing import NamedTuple

__all__ = ["SizeCurve"]

_Point = tuple[float, float]


class SizeCurve(NamedTuple):
    """Accuracy over size: `sizes` in parameters rise strictly, `accuracies` in percent never fall."""

    sizes: tuple[float, ...]
    accuracies: tuple[float, ...]

    @classmethod
    def of(cls, points: Iterable[_Point]) -> "SizeCurve":
        """From measured (parameters, accuracy in percent), in any order; of one size there may be several.

        Raises ValueError for a size that is not above 0, or an accuracy that is not finite.
        """
        found = sorted(points)
        for size, accuracy in found:
            if not (size > 0 and isfinite(size) and isfinite(accuracy)):
                raise ValueError(f"a size must be above 0 and an accuracy finite, not {size} and {accuracy}")
        measured = {size: [accuracy for _, accuracy in same] for size, same in groupby(found, lambda point: point[0])}
        return cls(tuple(measured), tuple(_rising(list(measured.values()))))

    def accuracy_at(self, size: float) -> float | None:
        """Accuracy in percent at a number of parameters; None outside of the sizes that were measured."""
        logs = [log(one) for one in self.sizes]
        return _between(logs, self.accuracies, log(size)) if size > 0 else None

    def size_at(self, accuracy: float) -> float | None:
        """The fewest parameters that reach an accuracy in percent; None outside of the accuracies of the curve."""
        found = _between(self.accuracies, [log(one) for one in self.sizes], accuracy)
        return None if found is None else exp(found)


def _rising(measured: Sequence[Sequence[float]]) -> list[float]:
    """The means that never fall with the least squared error over all measurements: neighbours that fall are pooled."""
    pools: list[tuple[list[float], int]] = []
    for values in measured:
        pool, sizes = list(values), 1
        while pools and fmean(pools[-1][0]) > fmean(pool):
            earlier, n = pools.pop()
            pool, sizes = earlier + pool, n + sizes
        pools.append((pool, sizes))
    return [mean for pool, sizes in pools for mean in [fmean(pool)] * sizes]


def _between(x: Sequence[float], y: Sequence[float], at: float) -> float | None:
    """y at the first place where x, which never falls, reaches `at`; straight between neighbours, None outside."""
    if not x or not x[0] <= at <= x[-1]:
        return None
    if at == x[0]:
        return y[0]
    (x0, y0), (x1, y1) = next(pair for pair in pairwise(zip(x, y, strict=True)) if pair[1][0] >= at)
    return y0 + (y1 - y0) * ((at - x0) / (x1 - x0))
