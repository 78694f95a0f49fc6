"""By how much may two accuracies differ by chance? Three standard errors of their difference, in percentage points.

An accuracy of n samples has the variance p (1 - p) / n; those of both sides add up. At 0% and 100% that would be no
noise at all, so a share counts as at least one sample away from either.

>>> round(accuracy_noise(90.0, 360, 360), 2), round(accuracy_noise(90.0, 360, 3600), 2)
(6.71, 4.97)
"""

from math import inf, sqrt

__all__ = ["accuracy_noise", "accuracy_variance", "worst_noise"]


def accuracy_variance(accuracy: float, n: int) -> float:
    """Of an accuracy in percent, of n >= 1 samples, in percentage points squared.

    >>> accuracy_variance(50.0, 100), accuracy_variance(100.0, 100) == accuracy_variance(99.0, 100)
    (25.0, True)
    """
    one = 1 / max(2, n)
    share = min(max(accuracy / 100, one), 1 - one)
    return 1e4 * share * (1 - share) / n


def accuracy_noise(accuracy: float, before: int, after: int) -> float:
    """Three standard errors around `accuracy` in percent, of so many samples each; 0 where a size is not known."""
    if before <= 0 or after <= 0:
        return 0.0
    one = 1 / max(2, min(before, after))
    share = min(max(accuracy / 100, one), 1 - one)
    return 300 * sqrt(share * (1 - share) * (1 / before + 1 / after))


def worst_noise(before: int, after: int) -> float:
    """The same around 50%, where it is most; infinite without a sample.

    >>> worst_noise(450, 450)
    10.0
    """
    return accuracy_noise(50.0, before, after) or inf
