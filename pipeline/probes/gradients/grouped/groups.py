"""Which gradients are reduced together? Those of neighbouring layers, until there are enough of them.

>>> groups = grouped([[4, 2], [40_000, 3], [5]], most_layers=2)
>>> [(group.layers, group.small, group.places.total, group.large) for group in groups]
[(range(0, 2), [0, 1, 3], 9, [(2, 1)]), (range(2, 3), [4], 5, [])]
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from nissa.pipeline.probes.gradients.grouped.side_by_side import Places

__all__ = ["Group", "grouped"]

_LAYERS = 32
"""Of a group at most: each has a sketch of 4,096 bins."""
_ELEMENTS = 1 << 18
"""Side by side at most: what is made of them then stays in the cache."""
_SMALL = 1 << 15
"""Elements up to which a gradient is copied to lie beside others."""


class Group(NamedTuple):
    """Gradients by their places among all."""

    layers: range
    """By their places among all layers."""
    small: list[int]
    """Side by side."""
    rows: list[int]
    """For each of the small, its layer's place in the group."""
    sizes: list[int]
    """For each of the small, its elements."""
    places: Places
    """Where they lie."""
    large: list[tuple[int, int]]
    """Each alone, with its layer's place in the group."""


def grouped(
    sizes: Sequence[Sequence[int]],
    apart: int = 0,
    *,
    most_layers: int = _LAYERS,
    most: int = _ELEMENTS,
    small: int = _SMALL,
) -> list[Group]:
    """`sizes` are elements by layer and gradient; one of 0 is left out, and counts among the places.

    A layer is never parted: what is too much for a group is taken one by one. No group reaches across layer `apart`.
    """
    firsts = [0, *accumulate(len(layer) for layer in sizes)]
    return [_group(run, sizes, firsts, most, small) for run in _runs(sizes, apart, most_layers, most, small)]


def _runs(sizes: Sequence[Sequence[int]], apart: int, most_layers: int, most: int, small: int) -> Iterator[range]:
    """Layers that go together."""
    begun = total = 0
    for i, layer in enumerate(sizes):
        own = sum(n for n in layer if n <= small)
        if i > begun and (i in {apart, begun + most_layers} or total + own > most):
            yield range(begun, i)
            begun, total = i, 0
        total += own
    if sizes:
        yield range(begun, len(sizes))


def _group(layers: range, sizes: Sequence[Sequence[int]], firsts: Sequence[int], most: int, small: int) -> Group:
    beside, rows, own, apart = list[int](), list[int](), list[int](), list[tuple[int, int]]()
    for row, layer in enumerate(layers):
        for place, n in enumerate(sizes[layer], firsts[layer]):
            if 0 < n <= small and sum(own) + n <= most:
                beside.append(place)
                rows.append(row)
                own.append(n)
            elif n:
                apart.append((place, row))
    return Group(layers, beside, rows, own, Places.of(own), apart)
