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

    spike: float = 4.0
    """A spike: more noises than this above the short level, at a threshold of 2."""
    slack: float = 0.25
    """A drift: deviations from the long level beyond so many noises add up ..."""
    most: float = 4.0
    """... each counted up to so many ..."""
    drift: float = 18.0
    """... until their sum passes this, at a threshold of 2."""
    short: float = 0.1
    """Weight of the last value in the short level."""
    long: float = 0.015
    """And in the long one."""
    warm_up: int = 20
    """Values before the first judgement."""
    least: float = 0.05
    """The least noise, in units of log(loss)."""
    floor: float = 1e-4
    """Nats added to every loss, and the least rise that counts: the noise of a loss that has all but vanished is no
    news."""


LIMITS = Limits()
