"""What a detector finds, and the limits that it goes by."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["LIMITS", "Detection", "Limits"]


class Detection(NamedTuple):
    """Why a value is out of order."""

    clause: str
    """Which rule."""
    baseline: float
    """What was usual."""
    threshold: float
    """What the value had to pass for this rule to fire."""
    window: int
    """Values that the baseline rests on."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Constants of the detector. docs/detectors.md says what they were chosen on, and what they are worth."""

    ratio: float = 2.0
    """A spike: more than this many times the mean of the last 20 ..."""
    ratio_z: float = 4.0
    """... and this many scales above the level."""
    jump: float = 1.25
    """A jump: more than this many times the level ..."""
    jump_z: float = 8.0
    """... and this many scales above it."""
    slack: float = 0.75
    """A drift: deviations beyond this many scales add up, each counted up to `most` ..."""
    most: float = 4.0
    """The most that one value adds, before the slack is taken off."""
    drift: float = 14.0
    """... until their sum passes this."""
    warm_up: int = 20
    """Values before the first judgement."""
    scale: float = 0.01
    """The least scale, in units of log(loss)."""
    floor: float = 1e-4
    """Nats added to every loss, and the least rise that counts: the noise of a loss that has all but vanished is no
    news."""


LIMITS = Limits()
