"""How sure is a figure of few repetitions, whatever its distribution? Interquartile means and bootstrap intervals.

The practice of Agarwal et al. (2021), arXiv:2108.13264: the interquartile mean, resampling within each stratum,
percentile intervals, and the probability of improvement. Percentiles of few values lie too far inside, so their levels
are moved outwards as Hesterberg (2015), The American Statistician 69:371, does: for a mean it then has the width of
Student's interval.

>>> interquartile_mean([1.0, 2.0, 3.0, 100.0])
2.5
>>> probability_of_improvement([1.0, 3.0], [2.0, 1.0])
0.625
>>> mean, low, high = bootstrap_interval(interquartile_mean, [1.0, 2.0, 4.0, 5.0, 5.0, 7.0, 9.0, 9.0])
>>> mean, round(low, 1), round(high, 1)
(5.25, 2.0, 8.5)
"""

from collections.abc import Callable, Sequence
from itertools import product
from math import floor, isfinite, nan, sqrt
from random import Random
from statistics import NormalDist, fmean

from nissa.operators.statistics.student_t import Interval, t_quantile

__all__ = ["RESAMPLES", "bootstrap_interval", "interquartile_mean", "probability_of_improvement"]

RESAMPLES = 4_000


def interquartile_mean(values: Sequence[float]) -> float:
    """Mean without the lowest and the highest quarter, each rounded down to whole values, so that below four all count.

    Raises ZeroDivisionError for no values.
    """
    cut = len(values) // 4
    middle = sorted(values)[cut : len(values) - cut]
    return sum(middle) / len(middle)


def probability_of_improvement(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Probability that a value drawn from `ours` is above one from `theirs`; a tie counts half (Mann and Whitney 1947).

    Raises StatisticsError if either is empty.
    """
    return fmean((our > their) + (our == their) / 2 for our, their in product(ours, theirs))


def bootstrap_interval(
    figure: Callable[..., float],
    *strata: Sequence[float],
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """`figure` of the strata, with the interval that it has when values are drawn from each stratum anew.

    The same each time: draws come from `seed` alone. Without two values in each stratum there is no interval; a value
    that is not finite makes all three NaN. Raises ValueError for no strata.
    """
    if not strata:
        raise ValueError("need at least one stratum of values")
    if not all(isfinite(value) for stratum in strata for value in stratum):
        return Interval(nan, nan, nan)
    least = min(map(len, strata))
    if least < 2:
        return Interval(figure(*strata) if least else None)
    draw = Random(seed).choices
    found = sorted(figure(*(draw(stratum, k=len(stratum)) for stratum in strata)) for _ in range(resamples))
    level = NormalDist().cdf(sqrt(least / (least - 1)) * t_quantile((1 - confidence) / 2, least - 1))
    return Interval(figure(*strata), _quantile(found, level), _quantile(found, 1 - level))


def _quantile(ranked: Sequence[float], level: float) -> float:
    """Linear between the two values around (n - 1) level."""
    place = (len(ranked) - 1) * level
    below = floor(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])
