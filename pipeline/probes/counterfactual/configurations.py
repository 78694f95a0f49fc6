"""Which configurations of a network's seeds are worth measuring? All, or those that a strategy draws, the best first.

>>> planned(2).configs
[(True, True), (False, False), (False, True), (True, False)]
>>> planned(8).strategy, len(planned(8).orders)
('permutations', 20)
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, product
from math import comb
from random import Random
from typing import NamedTuple

from nissa.events.vocabulary import STRATEGIES

__all__ = ["Config", "Plan", "planned"]

Config = tuple[bool, ...]
"""Which seeds are switched on."""
_ALL = 6
"""Seeds up to which all configurations are measured: 64."""
_LARGEST = 16
"""Seeds of the largest factorial that can be asked for: 65,536 configurations."""
_DRAWS = 10
"""Orders that are drawn; each is also walked backwards."""
_PAIRS = 5
"""Pairs of opposites for each seed."""


class Plan(NamedTuple):
    """What is to be measured."""

    strategy: str
    configs: list[Config]
    """Each once, in the order in which they are measured: a budget cuts off the last."""
    orders: list[list[int]]
    """Orders of switching seeds on, if these were drawn."""


def planned(n: int, strategy: str | None = None, seed: int = 0) -> Plan:
    """A plan for `n` seeds: all configurations up to six, and from seven on those of ten pairs of orders.

    `strategy` is one of `STRATEGIES`, to have another. What is drawn follows from `seed`. Raises ValueError for a
    strategy that there is not, and a factorial that is too large.
    """
    name = strategy or ("factorial" if n <= _ALL else "permutations")
    if name not in _DESIGNS:
        raise ValueError(f"strategy must be one of {', '.join(STRATEGIES)}, not {strategy!r}")
    if name == "factorial" and n > _LARGEST:
        raise ValueError(f"all configurations of {n} seeds are too many: take 'permutations' or 'kernel'")
    orders = _orders(n, Random(seed)) if name == "permutations" else []
    first = [(True,) * n, (False,) * n]
    return Plan(name, [*dict.fromkeys([*first, *_DESIGNS[name](n, orders, Random(seed))])], orders)


def _orders(n: int, random: Random) -> list[list[int]]:
    drawn = [random.sample(range(n), n) for _ in range(_DRAWS)]
    return [order for one in drawn for order in (one, one[::-1])]


def _ablation(n: int, *_: object) -> Iterable[Config]:
    return (_config(n, {*range(n)} - {off}) for off in range(n))


def _factorial(n: int, *_: object) -> Iterable[Config]:
    """Those of an ablation first."""
    return [*_ablation(n), *product((False, True), repeat=n)]


def _on_the_way(n: int, orders: Sequence[Sequence[int]], _: Random) -> Iterable[Config]:
    return (_config(n, order[:on]) for order in orders for on in range(1, n))


def _opposites(n: int, _: object, random: Random) -> Iterable[Config]:
    """Pairs in any order, so that a budget cuts off any."""
    sizes = _sizes(n)
    drawn = [config for size, count in sizes.items() for config in _drawn(n, size, count, random)]
    return (one for config in random.sample(drawn, len(drawn)) for one in (config, tuple(not on for on in config)))


def _sizes(n: int) -> dict[int, int]:
    """How many pairs of each size, that of the smaller one of two: as sizes weigh, up to all there are."""
    most = {size: comb(n, size) // (1 + (2 * size == n)) for size in range(1, n // 2 + 1)}
    counts = dict.fromkeys(most, 0)
    while sum(counts.values()) < min(_PAIRS * n, sum(most.values())):
        free = [size for size in most if counts[size] < most[size]]
        # By the kernel's weight of a size, as Webster allots seats.
        best = max(free, key=lambda size: (0.5 if 2 * size == n else 1) / (size * (n - size) * (counts[size] + 0.5)))
        counts[best] += 1
    return counts


def _drawn(n: int, size: int, count: int, random: Random) -> Iterable[Config]:
    """Different ones; of two opposites of one size that which has the first seed."""
    fixed = [0] if 2 * size == n else []
    if 2 * count >= comb(n - len(fixed), size - len(fixed)):
        every = [*combinations(range(len(fixed), n), size - len(fixed))]
        return (_config(n, [*fixed, *on]) for on in random.sample(every, count))
    found: dict[Config, None] = {}
    while len(found) < count:
        found[_config(n, [*fixed, *random.sample(range(len(fixed), n), size - len(fixed))])] = None
    return found


def _config(n: int, on: Iterable[int]) -> Config:
    return tuple(place in {*on} for place in range(n))


_DESIGNS: dict[str, Callable[[int, Sequence[Sequence[int]], Random], Iterable[Config]]] = dict(
    zip(STRATEGIES, (_factorial, _ablation, _on_the_way, _opposites), strict=True)
)
