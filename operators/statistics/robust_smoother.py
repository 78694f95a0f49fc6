"""Where is a curve, and how far do its values lie from there? Robust exponential smoothing of level and noise.

A value that lies more than twice the noise away counts as one that lies just so far (Gelper, Fried and Croux 2010,
J. Forecasting 29:285). Of several in a row each may move the level twice as far as the one before, so that an outlier
moves nothing and a level that has changed for good is soon found. All of it is three numbers.

>>> smoother = RobustSmoother(weight=0.1)
>>> for n in range(100):
...     smoother.follow(1.0 + 0.1 * (-1) ** n - smoother.level, least=0.01)
>>> round(smoother.level, 1)
1.0
>>> smoother.follow(1000.0, least=0.01)
>>> round(smoother.level, 1)
1.0
"""

__all__ = ["RobustSmoother"]

_NOISE = 0.02
"""Weight of the last distance in the noise."""
_CLIP = 2.0
"""Noises beyond which a value counts as an outlier."""
_NORMAL = 1.28
"""Standard deviations in a mean distance, if those of a normal distribution are counted up to two of them."""
_BEGINNING = 10
"""Values before one can be an outlier."""


class RobustSmoother:
    """Level and noise of one curve; the noise is a standard deviation, in the unit of the curve."""

    __slots__ = ("level", "n", "noise", "reach", "weight")

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self.level = self.noise = 0.0
        self.n = 0
        """Values that were seen."""
        self.reach = 1.0
        """How many times as far as the first of several outliers in a row the next one may move the level."""

    def follow(self, residual: float, least: float) -> None:
        """Take a value in, by how far it lies above the level. The noise counts as `least` if it is below."""
        self.n = n = self.n + 1
        distance = residual if residual >= 0.0 else -residual
        if n > _BEGINNING and distance > (most := _CLIP * (self.noise if self.noise > least else least)):
            if (farthest := most * self.reach) < distance:
                residual = farthest if residual > 0.0 else -farthest
            distance, self.reach = most, 2.0 * self.reach
        else:
            self.reach = 1.0
        # Of the first values each weighs alike.
        self.level += residual * (self.weight if self.weight * n > 1.0 else 1.0 / n)
        if n > 1:
            self.noise += (_NORMAL * distance - self.noise) * (_NOISE if n > 1.0 / _NOISE else 1.0 / (n - 1))

    @property
    def memory(self) -> int:
        """Values that the level rests on: so many, if all weighed alike, would be as sure."""
        return min(self.n, round(2.0 / self.weight - 1.0))
