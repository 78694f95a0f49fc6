"""How sure a mean is: Student's t interval."""

from collections.abc import Sequence
from math import nan, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from scipy.stats import t  # type: ignore[import-untyped]

__all__ = ["Interval", "t_interval"]

_CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean and the half-width of its 95% interval, NaN when one value leaves nothing to judge by."""

    mean: float
    half_width: float


def t_interval(values: Sequence[float]) -> Interval:
    """Mean of independent values, plus or minus t x s / sqrt(n). Raises StatisticsError for no values."""
    n = len(values)
    if n < 2:
        return Interval(fmean(values), nan)
    quantile = float(t.ppf((1 + _CONFIDENCE) / 2, n - 1))
    return Interval(fmean(values), quantile * stdev(values) / sqrt(n))
