"""A detector of losses that rise beyond what their own noise explains: spikes, and drifts that no single step shows.

It looks at log(loss), and so at ratios. A spike is a step that lies too far above a short robust level, in units of the
noise about it. A drift is a cumulated sum of deviations from a long one, in units of theirs (Page 1954, Biometrika
41:100); it begins anew once it is found. What is new is compared first, and folded in after. Of noise that is normal
both limits are passed as seldom, whatever the sensitivity, if that of the sum goes with the square of the other.
A loss that was ever below 0 has no ratios; it is judged by its differences from there on.

>>> detector = Detector()
>>> quiet = [detector.judge(1.0 + 0.01 * (n % 5)) for n in range(40)]
>>> any(quiet), detector.judge(3.0).clause
(False, 'spike')
"""

from math import exp, log, log2

from nissa.operators.statistics.course import bounded
from nissa.operators.statistics.detection import LIMITS, Detection, Limits
from nissa.operators.statistics.robust_smoother import RobustSmoother

__all__ = ["Detector"]

_ANEW = 2
"""Values that the long level counts as when it begins anew: the short one is not yet where the curve has gone."""
_ROUNDING = 1e-6
"""The least noise of a loss that may be below 0, as a share of its level: losses are float32."""


class Detector:
    """The state of one curve. `threshold`: how many times its level a loss may be whose noise is 17%, log(2) / 4.

    A quieter loss may be less, a noisier one more. 2 is usual; 1.4 halves the noises that a spike must pass, 4 doubles
    them. Limits of a drift follow. Raises ValueError unless it is above 1.
    """

    __slots__ = ("drift", "limits", "long", "rise", "short", "signed", "spike")

    def __init__(self, threshold: float = 2.0, limits: Limits = LIMITS) -> None:
        if threshold <= 1.0:
            raise ValueError(f"threshold must be above 1, not {threshold}")
        self.limits, times = limits, log2(threshold)
        self.spike, self.drift = limits.spike * times, limits.drift * times**2
        self.short, self.long = RobustSmoother(limits.short), RobustSmoother(limits.long)
        self.rise, self.signed = 0.0, False

    def judge(self, value: float) -> Detection | None:
        """Compare a finite value with those before it, then fold it in; an outlier counts as the largest usual one."""
        if value < 0.0 and not self.signed:
            self._differ()
        limits, short, long, found = self.limits, self.short, self.long, None
        y = bounded(value) if self.signed else log(value + limits.floor)
        least = max(_ROUNDING * abs(short.level), 1e-12) if self.signed else limits.least
        residual = y - short.level
        if short.n >= limits.warm_up:
            noise = short.noise if short.noise > least else least
            drifted = self._drifted(y, least)
            if residual > self.spike * noise and self._risen(y, short.level):
                found = self._detected("spike", short, short.level + self.spike * noise)
            else:
                found = drifted
        short.follow(residual, least)
        long.follow(y - long.level, least)
        return found

    def _drifted(self, y: float, least: float) -> Detection | None:
        limits, long, before = self.limits, self.long, self.rise
        noise = long.noise if long.noise > least else least
        deviation = (y - long.level) / noise
        if deviation <= limits.slack and not before:
            return None
        if deviation > 0.0 and not self._risen(y, long.level):
            deviation = 0.0
        rise = before + (deviation if deviation < limits.most else limits.most) - limits.slack
        self.rise = rise if rise > 0.0 else 0.0
        if rise <= self.drift:
            return None
        found = self._detected("drift", long, long.level + noise * (self.drift + limits.slack - before))
        self.rise, long.level, long.n = 0.0, self.short.level, _ANEW
        return found

    def _risen(self, y: float, level: float) -> bool:
        return self.signed or exp(y) - exp(level) > self.limits.floor

    def _detected(self, clause: str, smoother: RobustSmoother, threshold: float) -> Detection:
        """In the unit of the loss as it was handed in."""
        level = smoother.level
        if not self.signed:
            threshold = max(exp(threshold), exp(level) + self.limits.floor) - self.limits.floor
            level = exp(level) - self.limits.floor
        return Detection(clause, level, threshold, smoother.memory)

    def _differ(self) -> None:
        """From here on by differences: levels as they are in log(loss), and the larger of the noises, to first order.

        Close to 0 the noise of log(loss) grows by itself, and the shorter one lags behind.
        """
        self.signed = True
        if self.short.n:
            noise = max(exp(smoother.level) * smoother.noise for smoother in (self.short, self.long))
            for smoother in (self.short, self.long):
                smoother.level, smoother.noise = exp(smoother.level) - self.limits.floor, noise
