"""The rules that are compared, each with one setting that makes it more or less sensitive. All look for rises only.

Of the others, windows and weights are those of the alternatives that find most on the curves to choose by.
"""

import statistics
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from math import log, sqrt
from typing import Protocol

from river.drift import ADWIN, PageHinkley

from nissa.operators.statistics.detection import LIMITS
from nissa.operators.statistics.rolling_ratio import RatioRule
from nissa.operators.statistics.spike_detector import Detector

__all__ = ["RULES", "SETTINGS", "Cusum", "Ewma", "Hampel", "Rule"]


class Rule(Protocol):
    """The state of one curve."""

    def judge(self, value: float) -> object:
        """Whether a loss is out of order, by its truth."""


class _Windowed:
    """Deviations of log(loss) from what the last `size` were."""

    def __init__(self, size: int) -> None:
        self.last: deque[float] = deque(maxlen=size)

    def judge(self, value: float) -> bool:
        y = log(value + LIMITS.floor)
        found = len(self.last) >= LIMITS.warm_up and self.compare(y)
        self.last.append(y)
        return found

    def compare(self, y: float) -> bool:
        raise NotImplementedError

    def deviation(self, y: float) -> float:
        """In standard deviations of the last."""
        return (y - statistics.fmean(self.last)) / (statistics.stdev(self.last) or 1e-9)


class Hampel(_Windowed):
    """So many median absolute deviations / 0.6745 above the median (Hampel 1974, J. Am. Stat. Assoc. 69:383)."""

    def __init__(self, limit: float, size: int = 64) -> None:
        super().__init__(size)
        self.limit = limit

    def compare(self, y: float) -> bool:
        middle = statistics.median(self.last)
        return y - middle > self.limit * statistics.median(abs(x - middle) for x in self.last) / 0.6745


class Ewma(_Windowed):
    """A chart of exponentially weighted deviations (Roberts 1959, Technometrics 1:239); begins anew with an alarm."""

    def __init__(self, limit: float, weight: float = 0.2) -> None:
        super().__init__(64)
        self.limit, self.weight, self.mean = limit * sqrt(weight / (2 - weight)), weight, 0.0

    def compare(self, y: float) -> bool:
        self.mean += self.weight * (self.deviation(y) - self.mean)
        found = self.mean > self.limit
        self.mean *= not found
        return found


class Cusum(_Windowed):
    """A chart of deviations beyond a slack, added up (Page 1954, Biometrika 41:100); begins anew with an alarm."""

    def __init__(self, limit: float, slack: float = 0.5) -> None:
        super().__init__(64)
        self.limit, self.slack, self.rise = limit, slack, 0.0

    def compare(self, y: float) -> bool:
        self.rise = max(0.0, self.rise + self.deviation(y) - self.slack)
        found = self.rise > self.limit
        self.rise *= not found
        return found


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
