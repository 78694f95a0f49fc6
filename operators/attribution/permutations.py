"""What follows from the configurations on the way of some orders of switching seeds on: Shapley values, estimated.

Castro, Gomez and Tejada (2009), Computers & Operations Research 36:1726. An order and the same backwards are one draw:
where the first asks what a seed adds to few others, the second asks what it adds to many (Mitchell et al. 2022, JMLR
23:43). Each draw adds up to all that the seeds bring, so their mean does too.
"""

from collections.abc import Sequence
from itertools import accumulate

from nissa.operators.attribution.estimate import Estimate
from nissa.operators.attribution.matrix import Matrix
from nissa.operators.statistics import Moments

__all__ = ["Draw", "by_orders", "draws_of", "steps"]

Draw = tuple[Sequence[int], Sequence[int]]
"""An order, and the same backwards."""


def steps(order: Sequence[int]) -> list[int]:
    """The configurations on the way of an order, from none to all.

    >>> steps([2, 0, 1])
    [0, 4, 5, 7]
    """
    return [0, *accumulate(1 << place for place in order)]


def draws_of(matrix: Matrix, orders: Sequence[Sequence[int]]) -> list[Draw]:
    """The pairs of orders whose configurations were all measured; an odd one left over is none."""
    whole = [*range(matrix.slots)]
    pairs = zip(orders[::2], orders[1::2], strict=False)
    known = (pair for pair in pairs if all(sorted(order) == whole for order in pair))
    return [pair for pair in known if all(matrix.has(*steps(order)) for order in pair)]


def by_orders(matrix: Matrix, draws: Sequence[Draw]) -> list[Estimate]:
    """The Shapley value of each seed; there must be a draw."""
    contrasts: list[dict[int, float]] = [{} for _ in range(matrix.slots)]
    spreads = [Moments() for _ in range(matrix.slots)]
    share = 1 / (2 * len(draws))
    for draw in draws:
        added = [0.0] * matrix.slots
        for order in draw:
            way = steps(order)
            for place, before, after in zip(order, way[:-1], way[1:], strict=True):
                added[place] += (matrix.values[after] - matrix.values[before]) / 2
                contrast = contrasts[place]
                contrast[after] = contrast.get(after, 0.0) + share
                contrast[before] = contrast.get(before, 0.0) - share
        for moments, value in zip(spreads, added, strict=True):
            moments.add(value)
    return [Estimate(contrast, *_varies(moments)) for contrast, moments in zip(contrasts, spreads, strict=True)]


def _varies(moments: Moments) -> tuple[float | None, int]:
    """Variance of the mean, and its degrees of freedom."""
    std = moments.std
    return None if std is None else std * std / moments.count, moments.count - 1
