"""Which layers are shown one by one? Few enough that a scrape stays small, and the same ones from time to time.

The gauges of a layer follow from the last measurement alone, so a layer that is no longer shown leaves no series.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import TypeVar

__all__ = ["MAX_LAYERS", "broken", "rank_layers"]

MAX_LAYERS = 16
"""Layers of an environment that are shown one by one."""

L = TypeVar("L")
Split = tuple[dict[str, L], dict[str, L]]


def rank_layers(layers: Mapping[str, L], ill: Callable[[L], bool], size: Callable[[L], float]) -> Split[L]:
    """The layers to show, and the others: what is broken comes first, then the largest, equals in the network's order.

    >>> shown, rest = rank_layers({"a": 3, "b": 5, "c": 1}, lambda n: n == 1, lambda n: n)
    >>> list(shown), list(rest)
    (['c', 'b', 'a'], [])
    """
    order = sorted(layers, key=lambda name: (0, 0.0) if ill(layers[name]) else (1, -size(layers[name])))
    shown, rest = order[:MAX_LAYERS], order[MAX_LAYERS:]
    return {name: layers[name] for name in shown}, {name: layers[name] for name in rest}


def broken(*numbers: float | None) -> bool:
    """Whether any of the numbers that were measured is NaN or infinite."""
    return not all(number is None or isfinite(number) for number in numbers)
