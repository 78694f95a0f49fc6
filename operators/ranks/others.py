"""What is usual of the others? For each rank their median, by one sort for all: one for each took most of a step.

>>> medians_of_others({0: 5.0, 1: 1.0, 2: 3.0, 3: 9.0})
{1: 5.0, 2: 5.0, 0: 3.0, 3: 3.0}
"""

from collections.abc import Mapping

__all__ = ["medians_of_others"]


def medians_of_others(values: Mapping[int, float]) -> dict[int, float]:
    """By rank, the median of the values of all others, of which there must be some."""
    ranks = sorted(values, key=values.__getitem__)
    # Of those that are left, the two in the middle, which are one where they are odd.
    low, high = (len(ranks) - 2) // 2, (len(ranks) - 1) // 2

    def left(at: int, without: int) -> float:
        return values[ranks[at + (at >= without)]]

    return {rank: (left(low, place) + left(high, place)) / 2 for place, rank in enumerate(ranks)}
