"""The course of a validation accuracy: what is a move, and what is rest, for a validation set of its size.

More than 2 points are a move, or three standard errors where those are more; a quarter of that in a window is rest.
Where the size is not told, the spread of the accuracies about their course stands for a standard error, once known.
"""

from dataclasses import dataclass, field
from math import isfinite, sqrt

from nissa.events.kinds import EpochCompleted
from nissa.operators.statistics import Course, CurveScale, accuracy_noise

__all__ = ["AccuracyCourse", "AccuracyLimits"]


@dataclass(frozen=True, slots=True)
class AccuracyLimits:
    """When a change of the rolling mean is one."""

    window: int = 5
    """Epochs in the rolling mean."""
    plateau: float = 0.5
    """Points; no more than that either way in a window is a plateau."""
    change: float = 2.0
    """Points; more than that is an improvement or a degradation."""


@dataclass(slots=True)
class AccuracyCourse:
    """The accuracies of one episode. One that is not finite, or was not measured, is no part of it."""

    limits: AccuracyLimits = AccuracyLimits()
    course: Course = field(default_factory=Course)
    n_val: int = 0
    """Samples of the validation set, as last told; 0 before that."""
    scale: CurveScale = field(default_factory=CurveScale)

    def add(self, place: int, epoch: EpochCompleted) -> float | None:
        """Take an epoch in: the change that makes another direction; None if it is the same."""
        self.n_val = epoch.n_val or self.n_val
        accuracy, limits = epoch.val_accuracy, self.limits
        if accuracy is None or not isfinite(accuracy):
            return None
        self.course.add(place, float(accuracy))
        self.scale.add(place, float(accuracy))
        move = max(limits.change, self._noise())
        return self.course.turn(move, move * limits.plateau / limits.change if limits.change else 0.0)

    def _noise(self) -> float:
        """Three standard errors of the difference between the mean and where it moved from."""
        anchor, mean = self.course.anchor, self.course.mean
        if not self.n_val:
            return 3 * (self.scale.noise or 0.0) * sqrt(1 / anchor.tellings + 1 / mean.tellings)
        return accuracy_noise(anchor.value, self.n_val * anchor.tellings, self.n_val * mean.tellings)
