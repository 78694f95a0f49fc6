"""How sure is a value that is a weighted sum of accuracies? Of the validation set, and of the draw it rests on.

A sample of the validation set has a value of its own, made of whether each configuration gets it right. The value is
the mean of these, so its standard error is their deviation by the root of how many there are.

A deviation of few samples that differ says too little, and of none that it is sure. So the interval, not the standard
error, counts two samples more: one that no seed decides, and one that a single seed does, each as likely and either
way. For one seed that is the interval of Agresti and Min (2005), Statistics in Medicine 24:729.
"""

from math import inf, isfinite, nan, sqrt
from typing import NamedTuple

from nissa.operators.attribution.matrix import Contrast, Matrix
from nissa.operators.statistics import t_quantile

__all__ = ["Estimate", "Judged", "judged"]

_MANY = 1000
"""Degrees of freedom from which on more of them change nothing."""
_ROUNDING = 1e-12
"""Share of a mean square that a difference of two of them says nothing about."""


class Estimate(NamedTuple):
    """What a value is made of, and how it may vary by the draw of configurations."""

    contrast: Contrast
    variance: float | None = 0.0
    """Of the draw, in points squared: 0 where nothing was drawn, None where there is no telling."""
    df: int | None = None
    """Degrees of freedom of that variance; None where nothing was drawn."""


class Judged(NamedTuple):
    """A value with its standard error and 95% interval, in points; None where they are not known."""

    value: float
    se: float | None = None
    low: float | None = None
    high: float | None = None


def judged(matrix: Matrix, estimate: Estimate) -> Judged:
    """The value of an estimate, as sure as it is."""
    value, square = matrix.value(estimate.contrast), matrix.mean_square(estimate.contrast)
    n, drawn = matrix.samples, estimate.variance
    if square is None or n is None or drawn is None:
        return Judged(value)
    if not isfinite(value):
        return Judged(value, nan, nan, nan)
    plain, more = _spread(square, value) / (n - 1), n + 2
    careful = _spread((n * square + 1e4 / matrix.slots) / more, n * value / more) / more
    se, half = sqrt(plain + drawn), _quantile(drawn, estimate.df, careful, n) * sqrt(careful + drawn)
    return Judged(value, se, value - half, value + half)


def _quantile(drawn: float, df: int | None, sampled: float, n: int) -> float:
    """Student's t; of two variances together by Welch (1947) and Satterthwaite (1946)."""
    degrees: float = n - 1
    if df is not None:
        spread = sampled * sampled / (n - 1) + drawn * drawn / df
        if not isfinite(spread):
            return nan
        # Not ** 2, which raises on what overflows.
        degrees = (sampled + drawn) * (sampled + drawn) / spread if spread > 0 else inf
    return t_quantile(0.975, max(1, int(min(degrees, _MANY))))


def _spread(square: float, mean: float) -> float:
    """Mean square about the mean; 0 where what is left is rounding."""
    left = square - mean * mean
    return 0.0 if left <= _ROUNDING * square else left
