"""Generalized advantage estimation: how much better than expected each decision turned out."""

from collections.abc import Sequence

__all__ = ["DISCOUNT", "TRACE", "advantages"]

DISCOUNT = 0.99
TRACE = 0.95


def advantages(rewards: Sequence[float], values: Sequence[float]) -> list[float]:
    """One for each decision of an episode that ended, so nothing follows the last (Schulman et al. 2016, eq. 16).

    >>> advantages([1.0, 1.0], [0.0, 0.0])
    [1.9405000000000001, 1.0]
    """
    found: list[float] = []
    following, ahead = 0.0, 0.0
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        ahead = reward + DISCOUNT * following - value + DISCOUNT * TRACE * ahead
        found.append(ahead)
        following = value
    return found[::-1]
