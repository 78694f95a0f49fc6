"""Is a gradient norm far above what is typical of it? The median of the last 64, worked out only where it can matter.

>>> norms = Typical()
>>> [norms.judge(norm, factor=100.0, warm_up=3) for norm in (9.0, 1.0, 2.0, 150.0)]
[None, None, None, None]
>>> norms.judge(1000.0, factor=100.0, warm_up=3)
Alarm(clause='ratio', baseline=5.5, threshold=550.0, window=4)
"""

from collections import deque
from math import inf
from statistics import median

from nissa.operators.statistics.spike_detector import Alarm

__all__ = ["Typical"]


class Typical:
    """The last norms of one part of a network."""

    __slots__ = ("least", "recent")

    def __init__(self, size: int = 64) -> None:
        self.recent: deque[float] = deque(maxlen=size)
        self.least = inf
        """No recent norm is below it; it may be that of one that is long gone."""

    def judge(self, norm: float, factor: float, warm_up: int) -> Alarm | None:
        """Compare a finite norm with `factor` x the median of those before it, then fold it in.

        Nothing is typical of fewer than `warm_up`, or of zeros.
        """
        # What is not far above the least of them is not far above their median; that spares nearly all the sorting.
        alarm = self._compare(norm, factor) if norm > factor * self.least and len(self.recent) >= warm_up else None
        self.recent.append(norm)
        self.least = norm if norm < self.least else self.least
        return alarm

    def _compare(self, norm: float, factor: float) -> Alarm | None:
        self.least = min(self.recent)
        if norm <= factor * self.least:
            return None
        usual = median(self.recent)
        return Alarm("ratio", usual, factor * usual, len(self.recent)) if norm > factor * usual and usual else None
