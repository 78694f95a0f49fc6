"""A detector of losses that rise beyond what their own noise explains; outliers and falling curves do not fool it.

It looks at log(loss), and so at ratios. The level is the median of the last 9; what is left is compared with the median
and the interquartile range of the last 64 of its kind (Tukey 1977, Exploratory Data Analysis). A slow rise is found by
a cumulated sum of deviations from the median of the last 64 (Page 1954, Biometrika 41:100). What is new is compared
first, and folded in after. A loss that was ever below 0 has no ratios; it is judged by its differences from there on.

>>> detector = Detector()
>>> quiet = [detector.judge(1.0 + 0.01 * (n % 5)) for n in range(40)]
>>> any(quiet), detector.judge(3.0).clause
(False, 'ratio')
"""

from collections import deque
from math import exp, log

from nissa.operators.statistics.detection import LIMITS, Detection, Limits
from nissa.operators.statistics.signed_detector import SignedDetector
from nissa.operators.statistics.sorted_window import Window

__all__ = ["Detector"]


class Detector:
    """The state of one curve."""

    __slots__ = ("curve", "level", "limits", "mean", "residuals", "rise", "signed")

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.level, self.residuals, self.curve = Window(9), Window(64), Window(64)
        self.mean: deque[float] = deque(maxlen=20)
        self.rise = 0.0
        self.signed: SignedDetector | None = None

    def judge(self, value: float) -> Detection | None:
        """Compare a finite value with those before it, then fold it in; an outlier counts as the largest usual one."""
        if self.signed is not None or value < 0.0:
            return self._signed(value)
        limits = self.limits
        value += limits.floor
        y = log(value)
        level = self.level.median() if self.level.ranked else y
        residual, found = y - level, None
        if len(self.curve.ranked) >= limits.warm_up:
            centre, scale = self.residuals.median(), limits.scale
            # What is no outlier at the least scale is none at any.
            if residual > centre + limits.ratio_z * scale:
                scale = max(self.residuals.spread(), scale)
            top = centre + limits.ratio_z * scale
            if residual > top:
                found = self._sudden(value, y, level, centre, scale)
            found = found or self._slow(value, y)
            if found is not None and residual > top:
                residual, value = top, min(value, exp(level + top))
        self.level.push(y)
        self.curve.push(y)
        self.residuals.push(residual)
        self.mean.append(value)
        return found

    def _signed(self, value: float) -> Detection | None:
        """Of the losses that are known, too, when the first is below 0."""
        if self.signed is None:
            self.signed = SignedDetector(self.limits)
            for y in self.curve.order:
                self.signed.judge(exp(y) - self.limits.floor)
        return self.signed.judge(value)

    def _sudden(self, value: float, y: float, level: float, centre: float, scale: float) -> Detection | None:
        limits, risen = self.limits, exp(level) + self.limits.floor
        if value <= risen:
            return None
        usual = sum(self.mean) / len(self.mean)
        if value > limits.ratio * usual:
            threshold = max(limits.ratio * usual, exp(level + centre + limits.ratio_z * scale), risen)
            return self._detected("ratio", usual, threshold, len(self.mean))
        least = level + max(log(limits.jump), centre + limits.jump_z * scale)
        return self._detected("jump", exp(level), max(exp(least), risen), len(self.level)) if y > least else None

    def _slow(self, value: float, y: float) -> Detection | None:
        limits, before = self.limits, self.rise
        middle = self.curve.median()
        if y <= middle and not before:
            return None
        scale = max(self.curve.spread(), limits.scale)
        deviation = (y - middle) / scale
        if deviation <= limits.slack and not before:
            return None
        if deviation > 0 and value <= exp(middle) + limits.floor:
            deviation = 0.0
        self.rise = max(0.0, before + min(deviation, limits.most) - limits.slack)
        if self.rise <= limits.drift:
            return None
        self.rise = 0.0
        risen = exp(middle) + limits.floor
        threshold = max(exp(middle + scale * (limits.drift + limits.slack - before)), risen)
        return self._detected("drift", exp(middle), threshold, len(self.curve))

    def _detected(self, clause: str, baseline: float, threshold: float, window: int) -> Detection:
        """In the unit of the loss as it was handed in."""
        return Detection(clause, baseline - self.limits.floor, threshold - self.limits.floor, window)
