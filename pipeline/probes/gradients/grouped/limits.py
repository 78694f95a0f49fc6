"""What is asked of each gradient beside its moments: elements that are too small or too large, and its distribution.

>>> limits = Limits(vanishing=2.0**-20, exploding=1e60, points=(0.5,))
>>> float(limits.most) < 2.0**-20 <= float(np.nextafter(limits.most, np.float32(1)))
True
>>> float(limits.least), limits.sketched
(3.4028234663852886e+38, True)
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.reductions import before

__all__ = ["LARGEST", "Limits"]

LARGEST = np.finfo(np.float32).max
_ROUNDING = 0.01
"""By how much a norm is surely not off, relative to it."""


@dataclass(frozen=True)
class Limits:
    """Magnitudes, and what is to be told of the distribution."""

    vanishing: float | None = None
    """What is less in magnitude is vanishing; None if that is not counted."""
    exploding: float | None = None
    """What is larger in magnitude is exploding; None if that is not counted."""
    points: tuple[float, ...] = ()
    """Quantiles, 0-1."""
    octaves: bool = False
    """Whether elements are counted by octave."""

    @classmethod
    def of(cls, config: GradientConfig) -> "Limits":
        """Those of a configuration."""
        return cls(
            config.vanishing_threshold if config.detect_vanishing else None,
            config.exploding_threshold if config.detect_exploding else None,
            tuple(percent / 100 for percent in config.percentiles),
            config.full_histogram,
        )

    @property
    def sketched(self) -> bool:
        """Whether the distribution is asked for."""
        return bool(self.points or self.octaves)

    @cached_property
    def most(self) -> np.float32 | None:
        """The largest float32 that is vanishing."""
        return None if self.vanishing is None else np.float32(before(self.vanishing, np.float32))

    @cached_property
    def least(self) -> np.float32 | None:
        """As a float32, what exploding elements are larger than."""
        return None if self.exploding is None else np.float32(min(self.exploding, float(LARGEST)))

    @cached_property
    def ordinary(self) -> float:
        """Below it, a squared norm tells that no element is exploding or broken: none exceeds the norm."""
        largest = float(LARGEST)
        return largest if self.exploding is None else min(largest, ((1 - _ROUNDING) * self.exploding) ** 2)
