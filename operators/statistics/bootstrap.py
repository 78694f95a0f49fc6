"""How sure is the difference of two means? Both samples drawn anew, many times, and what lies between.

Efron (1979), Annals of Statistics 7:1. Percentiles of few values are too close to each other: they are taken further
out, as far as Student's t and n in the place of n - 1 ask for (Hesterberg 2015, The American Statistician 69:371).
What is drawn follows from nothing but the numbers of values, so the same values have the same interval anywhere.

>>> mean, low, high = bootstrap_difference([4.0, 5.0, 6.0, 5.0], [1.0, 2.0, 1.0, 2.0])
>>> mean, round(low, 1), round(high, 1)
(3.5, 2.3, 4.7)
>>> bootstrap_difference([4.0], [1.0, 2.0])
Interval(mean=2.5, low=None, high=None)
"""

from collections.abc import Sequence
from math import isfinite, nan, sqrt
from random import Random
from statistics import NormalDist, fmean

from nissa.operators.statistics.student_t import Interval, t_quantile

__all__ = ["RESAMPLES", "bootstrap_difference"]

RESAMPLES = 1000


def bootstrap_difference(left: Sequence[float], right: Sequence[float]) -> Interval:
    """Mean of one sample minus that of another, whose values are independent, with a 95% interval.

    No interval where one has a single value, and nothing where one has none. A value that is not finite makes all NaN.
    """
    if not left or not right:
        return Interval()
    if not all(map(isfinite, (*left, *right))):
        return Interval(nan, nan, nan)
    difference = fmean(left) - fmean(right)
    if len(left) == 1 or len(right) == 1:
        return Interval(difference)
    random = Random(0)
    drawn = sorted(_mean(random, left) - _mean(random, right) for _ in range(RESAMPLES))
    outside = _outside(min(len(left), len(right)))
    return Interval(difference, _at(drawn, outside), _at(drawn, 1 - outside))


def _mean(random: Random, values: Sequence[float]) -> float:
    return sum(random.choices(values, k=len(values))) / len(values)


def _outside(n: int) -> float:
    """Share of the draws below the interval, and as many above."""
    return NormalDist().cdf(-sqrt(n / (n - 1)) * t_quantile(0.975, n - 1))


def _at(drawn: Sequence[float], share: float) -> float:
    """The quantile, straight between neighbours."""
    place = share * (len(drawn) - 1)
    below = int(place)
    above = min(below + 1, len(drawn) - 1)
    return drawn[below] + (place - below) * (drawn[above] - drawn[below])
