"""How sure is a mean of few values? Student's t, its quantiles and the interval of a mean.

Student (1908), Biometrika 6:1. The distribution by Abramowitz and Stegun (1964), 26.7.3 and 26.7.4, whose finite sums
are exact for whole degrees of freedom; its quantile by bisection.

>>> round(t_quantile(0.975, 3), 4)
3.1824
>>> mean, low, high = t_interval([1.0, 2.0, 3.0, 6.0])
>>> mean, round(low, 3), round(high, 3)
(3.0, -0.437, 6.437)
>>> t_interval([1.0])
Interval(mean=1.0, low=None, high=None)
"""

from collections.abc import Iterable
from functools import lru_cache
from math import atan, cos, inf, isfinite, nan, pi, sin, sqrt, tan
from typing import NamedTuple

from nissa.operators.statistics.moments import Moments

__all__ = ["Interval", "t_cdf", "t_interval", "t_quantile"]


class Interval(NamedTuple):
    """A mean and the interval around it, in the unit of the values."""

    mean: float | None = None
    """None of no values."""
    low: float | None = None
    """None below two values: one leaves nothing to judge by."""
    high: float | None = None
    """Likewise."""

    def side(self) -> int:
        """1 if it lies above 0, -1 if below, 0 if it holds 0, is broken or is not known."""
        above = self.low is not None and self.low > 0
        below = self.high is not None and self.high < 0
        return above - below


def t_interval(values: Iterable[float], confidence: float = 0.95) -> Interval:
    """Mean of independent values, plus or minus t x s / sqrt(n). A value that is not finite makes all three NaN."""
    moments = Moments.of(values)
    mean, std = moments.mean, moments.std
    if mean is None or std is None:
        return Interval(mean)
    if not isfinite(std):
        return Interval(nan, nan, nan)
    half = t_quantile((1 + confidence) / 2, moments.count - 1) * std / sqrt(moments.count)
    return Interval(mean, mean - half, mean + half)


def t_cdf(t: float, df: int) -> float:
    """Probability of a value up to t, with `df` whole degrees of freedom; df / 2 terms. Raises ValueError below one."""
    if df < 1:
        raise ValueError(f"degrees of freedom must be at least 1, not {df}")
    return _below(atan(t / sqrt(df)), df)


@lru_cache(maxsize=4096)
def t_quantile(p: float, df: int) -> float:
    """The t with t_cdf(t, df) = p. Raises ValueError for a p outside [0, 1], or less than one degree of freedom."""
    if not 0 <= p <= 1 or df < 1:
        raise ValueError(f"p must be within 0 to 1 and df at least 1, not {p} and {df}")
    if p in (0.0, 0.5, 1.0):
        return {0.0: -inf, 0.5: 0.0, 1.0: inf}[p]
    # The angle is bounded where t is not, and it is what the sums are made of.
    low, high = -pi / 2, pi / 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _below(middle, df) < p else (low, middle)
    return sqrt(df) * tan(middle)


def _below(theta: float, df: int) -> float:
    """The distribution at t = sqrt(df) x tan(theta)."""
    cosine, odd = cos(theta), df % 2
    term = total = (cosine if df > 1 else 0.0) if odd else 1.0
    for k in range(2 + odd, df, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = 2 / pi * (theta + sin(theta) * total) if odd else sin(theta) * total
    return (1 + inside) / 2
