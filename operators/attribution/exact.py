"""What follows from all configurations: Shapley values, marginal contributions, and interactions of two seeds.

Shapley (1953), A value for n-person games; the mean over all configurations alike is Banzhaf's (1965); the interaction
index is that of Grabisch and Roubens (1999), Int. J. of Game Theory 28:547. Each is a weighted sum of accuracies.

>>> shapley(2, 0)
{1: 0.5, 0: -0.5, 3: 0.5, 2: -0.5}
"""

from collections.abc import Callable
from math import comb

from nissa.operators.attribution.matrix import Contrast

__all__ = ["interaction", "marginal", "shapley"]


def shapley(n: int, seed: int) -> Contrast:
    """What seed number `seed` of `n` adds, mean over all orders of switching them on."""
    shares = _shares(n)
    return _added(n, seed, lambda others: shares[others.bit_count()])


def marginal(n: int, seed: int) -> Contrast:
    """The same, mean over all configurations of the others."""
    return _added(n, seed, lambda _: 0.5 ** (n - 1))


def interaction(n: int, first: int, second: int) -> Contrast:
    """What two seeds add together beyond what each adds without the other."""
    shares, pair = _shares(n - 1), (1 << first | 1 << second)
    contrast: dict[int, float] = {}
    for others in range(1 << n):
        if not others & pair:
            share = shares[others.bit_count()]
            contrast |= {others: share, others | 1 << first: -share, others | 1 << second: -share, others | pair: share}
    return contrast


def _added(n: int, seed: int, share: Callable[[int], float]) -> Contrast:
    contrast: dict[int, float] = {}
    for others in range(1 << n):
        if not others >> seed & 1:
            contrast |= {others | 1 << seed: share(others), others: -share(others)}
    return contrast


def _shares(n: int) -> list[float]:
    """By how many others are on before it: the share of orders of `n` in which just those are."""
    return [1 / (n * comb(n - 1, before)) for before in range(n)]
