"""A detector of losses that may be below 0, such as the negative log-likelihood of a density: by differences alone.

Level, scale and drift are those of `Detector`, of the loss itself in place of its logarithm. So neither another unit
nor another zero of the loss changes what is found.

>>> detector = SignedDetector()
>>> quiet = [detector.judge(0.01 * (n % 5) - 3.0) for n in range(40)]
>>> any(quiet), detector.judge(-0.5).clause
(False, 'jump')
"""

from nissa.operators.statistics.detection import LIMITS, Detection, Limits
from nissa.operators.statistics.sorted_window import Window

__all__ = ["SignedDetector"]

_ROUNDING = 1e-6
"""Share of the level that is rounding: losses are float32."""


class SignedDetector:
    """The state of one curve."""

    __slots__ = ("curve", "level", "limits", "residuals", "rise")

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self.level, self.residuals, self.curve = Window(9), Window(64), Window(64)
        self.rise = 0.0

    def judge(self, value: float) -> Detection | None:
        """Compare a finite value with those before it, then fold it in; an outlier counts as the largest usual one."""
        level = self.level.median() if self.level.ranked else value
        residual, found = value - level, None
        if len(self.curve.ranked) >= self.limits.warm_up:
            centre, scale = self.residuals.median(), self._scale(self.residuals, level)
            most = centre + self.limits.jump_z * scale
            found = Detection("jump", level, level + most, len(self.level)) if residual > most else self._slow(value)
            usual = centre + self.limits.ratio_z * scale
            if found is not None and residual > usual:
                residual = usual
        self.level.push(value)
        self.curve.push(value)
        self.residuals.push(residual)
        return found

    def _slow(self, value: float) -> Detection | None:
        limits, before, middle = self.limits, self.rise, self.curve.median()
        scale = self._scale(self.curve, middle)
        deviation = (value - middle) / scale if scale else 0.0
        self.rise = max(0.0, before + min(deviation, limits.most) - limits.slack)
        if self.rise <= limits.drift:
            return None
        self.rise = 0.0
        threshold = middle + scale * (limits.drift + limits.slack - before)
        return Detection("drift", middle, threshold, len(self.curve))

    def _scale(self, window: Window, level: float) -> float:
        """That of a window, and at least a hundredth of the curve's."""
        return max(window.spread(), self.limits.scale * self.curve.spread(), _ROUNDING * abs(level))
