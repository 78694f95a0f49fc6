"""Mean and spread of a stream of numbers in constant memory.

Welford's update (Welford 1962, Technometrics 4:3) and the pairwise merge of Chan, Golub and LeVeque (1979, Stanford
STAN-CS-79-773).

>>> Moments.of([1.0, 2.0, 6.0]).mean
3.0
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Moments"]


@dataclass(slots=True)
class Moments:
    """Count, mean and the sum of squared deviations. Non-finite values make both non-finite: broken stays broken."""

    count: int = 0
    total_mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> "Moments":
        """The moments of some values."""
        moments = cls()
        for value in values:
            moments.add(value)
        return moments

    def add(self, value: float) -> None:
        """Take one value in."""
        # A float32 of numpy or torch goes on as the double that it is, and that the log will hold.
        value = float(value)
        self.count += 1
        delta = value - self.total_mean
        self.total_mean += delta / self.count
        self.squares += delta * (value - self.total_mean)

    def merge(self, other: "Moments") -> "Moments":
        """The moments of both streams together."""
        if not self.count or not other.count:
            kept = self if self.count else other
            return Moments(kept.count, kept.total_mean, kept.squares)
        count = self.count + other.count
        delta = other.total_mean - self.total_mean
        mean = self.total_mean + delta * other.count / count
        return Moments(count, mean, self.squares + other.squares + delta * delta * self.count * other.count / count)

    @property
    def mean(self) -> float | None:
        """Arithmetic mean; None of nothing."""
        return self.total_mean if self.count else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation (n - 1); None below two values."""
        return math.sqrt(self.squares / (self.count - 1)) if self.count > 1 else None
