"""Is a loss more than twice its rolling mean? The rule as the research document states it, and no more.

>>> rule = RatioRule(size=3)
>>> [rule.judge(value) is not None for value in (1.0, 1.0, 1.0, 2.0, 2.7)]
[False, False, False, False, True]
"""

from collections import deque

from nissa.operators.statistics.spike_detector import Alarm

__all__ = ["RatioRule"]


class RatioRule:
    """Loss > `ratio` x the mean of the last `size`; silent until there are so many. The loss is folded in after."""

    __slots__ = ("ratio", "recent")

    def __init__(self, ratio: float = 2.0, size: int = 20) -> None:
        self.ratio = ratio
        self.recent: deque[float] = deque(maxlen=size)

    def judge(self, value: float) -> Alarm | None:
        """Compare a finite value with those before it, and then fold it in."""
        recent, alarm = self.recent, None
        if len(recent) == recent.maxlen:
            usual = sum(recent) / len(recent)
            if value > self.ratio * usual:
                alarm = Alarm("ratio", usual, self.ratio * usual, len(recent))
        recent.append(value)
        return alarm
