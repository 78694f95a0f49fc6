"""What is much for a curve? The noise of its values, and the span that they cover: both scale and shift with it.

Noise is read off each value's distance from the line through its neighbours, which no steady fall or rise changes
(Gasser, Sroka and Jennen-Steinmetz 1986, Biometrika 73:625), by the median magnitude, which no outlier does.

>>> scale = CurveScale()
>>> for epoch in range(9):
...     scale.add(epoch, 5.0 - epoch)
>>> scale.noise < 1e-5, scale.span
(True, 8.0)
"""

from math import sqrt

from nissa.operators.statistics.course import bounded
from nissa.operators.statistics.sorted_window import Window

__all__ = ["CurveScale"]

_LEAST = 3
"""Distances before the noise is known: five values."""
_ROUNDING = 1e-6
"""Share of a value that is rounding: losses are float32."""


class CurveScale:
    """The scale of one curve."""

    __slots__ = ("distances", "last", "values")

    def __init__(self, size: int = 64, recent: int = 16) -> None:
        self.values, self.distances = Window(size), Window(recent)
        self.last: list[tuple[int, float]] = []

    def add(self, epoch: int, value: float) -> None:
        """Take a finite value in. Epochs must rise."""
        value = bounded(value)
        self.values.push(value)
        self.last = [*self.last, (epoch, value)][-3:]
        if len(self.last) == 3:
            self.distances.push(_distance(*self.last))

    @property
    def noise(self) -> float | None:
        """Standard deviation of the last values about the curve; None while too few are known."""
        if len(self.distances) < _LEAST:
            return None
        # The median magnitude of a normal distribution is 0.6745 standard deviations.
        return max(self.distances.median() / 0.6745, _ROUNDING * abs(self.last[-1][1]))

    @property
    def span(self) -> float:
        """From the first decile of the values to the last: what all that was learned comes to."""
        ranked = self.values.ranked
        return ranked[-1 - len(ranked) // 10] - ranked[len(ranked) // 10] if ranked else 0.0


def _distance(before: tuple[int, float], at: tuple[int, float], after: tuple[int, float]) -> float:
    """From a value to the line through its neighbours, in standard deviations of a single value's noise."""
    share = (at[0] - before[0]) / (after[0] - before[0])
    line = (after[1] - before[1]) * share
    return abs(at[1] - before[1] - line) / sqrt(1 + share**2 + (1 - share) ** 2)
