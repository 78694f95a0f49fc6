"""How far are two means apart whose values come in clusters? Sums by cluster, and an interval from these alone.

The values of an episode are not independent of each other, and many episodes have values of both kinds. So the
difference is of the plain means, and its variance that of a ratio of sums over clusters (Cochran 1977, Sampling
Techniques, 6.3; the sandwich of Liang and Zeger 1986), with Student's t of one less than the clusters.

>>> difference_of_means([Sums(2, 8.0, 1, 1.0), Sums(1, 6.0, 2, 2.0), Sums(1, 4.0, 1, 0.0)]).mean
3.75
>>> difference_of_means([Sums(1, 3.0, 0, 0.0)])
Interval(mean=None, low=None, high=None)
"""

from collections.abc import Sequence
from math import isfinite, nan, sqrt
from typing import NamedTuple

from nissa.operators.statistics.student_t import Interval, t_quantile

__all__ = ["Sums", "difference_of_means"]


class Sums(NamedTuple):
    """A cluster: how many values of the one kind and their sum, and of the other."""

    n: int = 0
    total: float = 0.0
    other_n: int = 0
    other_total: float = 0.0


def difference_of_means(clusters: Sequence[Sums]) -> Interval:
    """Mean of the one kind minus that of the other, with its 95% interval, for which each needs two clusters: the one
    value of a kind would have no variance."""
    n, other_n = (sum(getattr(cluster, name) for cluster in clusters) for name in ("n", "other_n"))
    if not n or not other_n:
        return Interval()
    mean = sum(cluster.total for cluster in clusters) / n
    other = sum(cluster.other_total for cluster in clusters) / other_n
    if not isfinite(mean - other):
        return Interval(nan, nan, nan)
    if min(sum(c.n > 0 for c in clusters), sum(c.other_n > 0 for c in clusters)) < 2:
        return Interval(mean - other)
    pulls = [(c.total - c.n * mean) / n - (c.other_total - c.other_n * other) / other_n for c in clusters]
    g = len(clusters)
    half = t_quantile(0.975, g - 1) * sqrt(g / (g - 1) * sum(pull * pull for pull in pulls))
    return Interval(mean - other, mean - other - half, mean - other + half)
