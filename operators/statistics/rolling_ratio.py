"""Two rules of a ratio: a loss over its rolling mean, as the research document states it, and a norm over its median.

>>> rule = RatioRule(size=3)
>>> [rule.judge(value) is not None for value in (1.0, 1.0, 1.0, 2.0, 2.7)]
[False, False, False, False, True]
>>> norms = RollingMedianRatio()
>>> [norms.judge(norm, factor=100.0, warm_up=3) for norm in (9.0, 1.0, 2.0, 150.0)]
[None, None, None, None]
>>> norms.judge(1000.0, factor=100.0, warm_up=3)
Detection(clause='ratio', baseline=5.5, threshold=550.0, window=4)
"""

from collections import deque
from math import inf
from statistics import median

from nissa.operators.statistics.detection import Detection

__all__ = ["RatioRule", "RollingMedianRatio"]


class RatioRule:
    """Loss > `ratio` x the mean of the last `size`; silent until there are so many. The loss is folded in after.

    Of a mean that is 0 or below there is no multiple, so it is silent there, too.
    """

    __slots__ = ("ratio", "recent")

    def __init__(self, ratio: float = 2.0, size: int = 20) -> None:
        self.ratio = ratio
        self.recent: deque[float] = deque(maxlen=size)

    def judge(self, value: float) -> Detection | None:
        """Compare a finite value with those before it, and then fold it in."""
        recent, found = self.recent, None
        if len(recent) == recent.maxlen:
            usual = sum(recent) / len(recent)
            if value > self.ratio * usual > 0:
                found = Detection("ratio", usual, self.ratio * usual, len(recent))
        recent.append(value)
        return found


class RollingMedianRatio:
    """The last norms of one part of a network; their median is worked out only where it can matter."""

    __slots__ = ("least", "recent")

    def __init__(self, size: int = 64) -> None:
        self.recent: deque[float] = deque(maxlen=size)
        self.least = inf
        """No recent norm is below it; it may be that of one that is long gone."""

    def judge(self, norm: float, factor: float, warm_up: int) -> Detection | None:
        """Compare a finite norm with `factor` x the median of those before it, then fold it in.

        Nothing is typical of fewer than `warm_up`, or of zeros.
        """
        # What is not far above the least of them is not far above their median; that spares nearly all the sorting.
        found = self._compare(norm, factor) if norm > factor * self.least and len(self.recent) >= warm_up else None
        self.recent.append(norm)
        self.least = norm if norm < self.least else self.least
        return found

    def _compare(self, norm: float, factor: float) -> Detection | None:
        self.least = min(self.recent)
        if norm <= factor * self.least:
            return None
        usual = median(self.recent)
        return Detection("ratio", usual, factor * usual, len(self.recent)) if norm > factor * usual and usual else None
