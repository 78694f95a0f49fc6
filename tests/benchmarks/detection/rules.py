"""The rules that are compared, each with one setting that makes it more or less sensitive. All look for rises only.

Of the others, windows and weights are those of the alternatives that find most on the curves to choose by.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import log, sqrt
from typing import Protocol

from river.drift import ADWIN, PageHinkley

from nissa.operators.statistics.detection import LIMITS
from nissa.operators.statistics.rolling_ratio import RatioRule
from nissa.operators.statistics.sorted_window import Window
from nissa.operators.statistics.spike_detector import Detector

__all__ = ["RULES", "SETTINGS", "Cusum", "Ewma", "Hampel", "Rule"]


class Rule(Protocol):
    """The state of one curve."""

    def judge(self, value: float) -> object:
        """Whether a loss is out of order, by its truth."""


class Hampel:
    """So many median absolute deviations / 0.6745 above the median (Hampel 1974, J. Am. Stat. Assoc. 69:383)."""

    def __init__(self, limit: float, size: int = 64) -> None:
        self.last, self.limit = Window(size), limit

    def judge(self, value: float) -> bool:
        y, found = log(value + LIMITS.floor), False
        if len(self.last) >= LIMITS.warm_up:
            middle = self.last.median()
            distances = sorted([abs(x - middle) for x in self.last.ranked])
            found = y - middle > self.limit * distances[len(distances) // 2] / 0.6745
        self.last.push(y)
        return found


class _Chart:
    """Deviations of log(loss) from the mean of the last 64, in their standard deviations."""

    def __init__(self, limit: float) -> None:
        self.last, self.total, self.squares = deque[float](), 0.0, 0.0
        self.limit, self.statistic = limit, 0.0

    def judge(self, value: float) -> bool:
        y, found, n = log(value + LIMITS.floor), False, len(self.last)
        if n >= LIMITS.warm_up:
            mean = self.total / n
            deviation = (y - mean) / sqrt(max(self.squares - n * mean**2, 1e-12) / (n - 1))
            self.statistic = self.follow(deviation)
            if found := self.statistic > self.limit:
                self.statistic = 0.0
        gone = self.last.popleft() if n == 64 else 0.0
        self.last.append(y)
        self.total, self.squares = self.total + y - gone, self.squares + y**2 - gone**2
        return found

    def follow(self, deviation: float) -> float:
        raise NotImplementedError


class Ewma(_Chart):
    """Exponentially weighted deviations (Roberts 1959, Technometrics 1:239); begins anew with an alarm."""

    def __init__(self, limit: float, weight: float = 0.2) -> None:
        super().__init__(limit * sqrt(weight / (2 - weight)))
        self.weight = weight

    def follow(self, deviation: float) -> float:
        return self.statistic + self.weight * (deviation - self.statistic)


class Cusum(_Chart):
    """Deviations beyond a slack, added up (Page 1954, Biometrika 41:100); begins anew with an alarm."""

    def __init__(self, limit: float, slack: float = 0.5) -> None:
        super().__init__(limit)
        self.slack = slack

    def follow(self, deviation: float) -> float:
        return max(0.0, self.statistic + deviation - self.slack)


class _River:
    """One of River's detectors of a change of the mean, where that has risen."""

    def __init__(self, detector: ADWIN | PageHinkley) -> None:
        self.detector, self.mean = detector, 0.0

    def judge(self, value: float) -> bool:
        y = log(value + LIMITS.floor)
        self.detector.update(y)  # type: ignore[no-untyped-call]
        before, self.mean = self.mean, getattr(self.detector, "estimation", y)
        return bool(self.detector.drift_detected) and (isinstance(self.detector, PageHinkley) or self.mean > before)


RULES: Mapping[str, Callable[[float], Rule]] = {
    "robust": Detector,
    "ratio": RatioRule,
    "Hampel": Hampel,
    "EWMA": Ewma,
    "CUSUM": Cusum,
    "ADWIN": lambda delta: _River(ADWIN(delta)),  # type: ignore[no-untyped-call]
    "PageHinkley": lambda limit: _River(PageHinkley(threshold=limit, mode="up")),
}
"""By name, what the setting makes."""

SETTINGS: Mapping[str, Sequence[float]] = {
    "robust": (1.35, 1.41, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0, 2.2, 2.5, 3.0, 4.0, 6.0),
    "ratio": (2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 11.0, 15.0, 20.0),
    "Hampel": (2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 9.0, 12.0, 16.0),
    "EWMA": (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 9.0),
    "CUSUM": (2.5, 3.5, 5.0, 7.0, 9.0, 12.0, 16.0, 22.0, 30.0, 45.0),
    "ADWIN": (0.9, 0.5, 0.2, 0.05, 0.002, 1e-4, 1e-6, 1e-9, 1e-14),
    "PageHinkley": (0.5, 1.0, 2.0, 4.0, 7.0, 12.0, 20.0, 30.0, 50.0),
}
"""What is tried of each, from sensitive to not."""
