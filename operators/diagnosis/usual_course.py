"""What was usual? The course of a quantity over the batches that are taken to be sound, and its range from there on.

The course is a straight line by Theil and Sen (Sen 1968, JASA 63:1379), in logarithms where all values are above 0. Its
scale is the IQR of what is left / 1.349 (Tukey 1977, Exploratory Data Analysis), and never less than 2% (1 point of an
accuracy). So a loss that falls is no change, and does not hide one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, inf, isfinite, log
from statistics import median, quantiles

__all__ = ["LEAST", "SCALES", "Course", "usual_course", "usual_range"]

SCALES = 8.0
"""How far from its course, or its median, a quantity is still in its range."""
LEAST = 8
"""Batches that a range rests on at least; with fewer, only what is not finite can be told."""


@dataclass(frozen=True, slots=True)
class Course:
    """A line through what was usual, and how far from it is usual too."""

    start: float
    slope: float
    last: int
    """Place of the last batch that it rests on."""
    reach: float
    logs: bool

    def range(self, place: int) -> tuple[float, float]:
        """Lowest and highest usual value at a place behind: the line may go on, or stay where it was."""
        held, continued = (self.start + self.slope * at for at in (self.last, place))
        return self._plain(min(held, continued) - self.reach), self._plain(max(held, continued) + self.reach)

    def held(self) -> tuple[float, float]:
        """The same where only a line that stays where it was is usual."""
        return self.range(self.last)

    def _plain(self, value: float) -> float:
        return exp(value) if self.logs else value


def usual_course(values: Sequence[float | None], floor: float | None = None) -> Course | None:
    """The course of what is known and finite; None of fewer than eight. `floor` is the least scale, if not 2%.

    >>> falling = usual_course([2.0 * 0.9**n for n in range(16)])
    >>> [round(limit, 3) for limit in falling.held()], [round(limit, 3) for limit in falling.range(20)]
    ([0.351, 0.483], [0.207, 0.483])
    """
    known = [(place, value) for place, value in enumerate(values) if value is not None and isfinite(value)]
    if len(known) < LEAST:
        return None
    logs = floor is None and min(value for _, value in known) > 0
    points = [(place, log(value) if logs else value) for place, value in known]
    slope = median((y - x) / (there - here) for (here, x), (there, y) in combinations(points, 2))
    start = median(y - slope * place for place, y in points)
    scale = _scale([y - slope * place - start for place, y in points])
    least = 0.02 if logs else floor if floor is not None else 0.02 * abs(median(y for _, y in points))
    return Course(start, slope, len(values) - 1, SCALES * max(scale, least), logs)


def usual_range(values: Iterable[float | None]) -> tuple[float, float]:
    """The range of what has no course: 8 scales either way of the median; unbounded for fewer than eight.

    >>> low, high = usual_range([1.0, 1.1, 0.9, 1.0, 1.1, 0.9, 1.0, 1.0])
    >>> round(low, 2), round(high, 2)
    (0.74, 1.35)
    """
    known = [value for value in values if value is not None and isfinite(value)]
    if len(known) < LEAST:
        return -inf, inf
    logs = min(known) > 0
    points = [log(value) if logs else value for value in known]
    middle = median(points)
    reach = SCALES * max(_scale(points), 0.02 if logs else 0.02 * abs(middle))
    return (exp(middle - reach), exp(middle + reach)) if logs else (middle - reach, middle + reach)


def _scale(values: Sequence[float]) -> float:
    lower, _, upper = quantiles(values, n=4, method="inclusive")
    return (upper - lower) / 1.349
