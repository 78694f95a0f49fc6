"""Progress of an episode: its last epochs, and since when nothing has become better.

>>> progress = Progress()
>>> for loss, accuracy in [(0.9, 60.0), (0.5, 70.0), (0.499, 70.4)]:
...     progress.add(Point(train_loss=loss, train_accuracy=75.0, val_loss=loss, val_accuracy=accuracy), keep=10)
>>> progress.plateau_epochs, progress.stalled_epochs, progress.lowest_loss.val_loss
(1, 1, 0.499)

An improvement must be one over the best before it by a margin, as in torch's ReduceLROnPlateau; many small ones add up.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from nissa.events.kinds import EpochCompleted

__all__ = ["ACCURACY_STEP", "LOSS_STEP", "Point", "Progress", "point"]

ACCURACY_STEP = 0.5
"""Percentage points by which the validation accuracy must rise to have improved. A convention."""
LOSS_STEP = 0.01
"""Share of itself by which the validation loss must fall to have improved. A convention."""


class Point(NamedTuple):
    """An epoch, as far as it is looked at: losses in nats, accuracies in percent; NaN, which is no more and no less
    than anything, where it was not measured."""

    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float


def point(epoch: EpochCompleted) -> Point:
    """An epoch in doubles, as the log will hold them."""
    figures = (getattr(epoch, name) for name in Point._fields)
    return Point(*(math.nan if value is None else float(value) for value in figures))


@dataclass(slots=True)
class Progress:
    """An episode so far. A number that is not finite is no improvement, and no lowest or highest."""

    points: list[Point] = field(default_factory=list)
    """The last epochs, this one included."""
    plateau_epochs: int = 0
    """Epochs since the validation accuracy last improved; 0 in the first."""
    stalled_epochs: int = 0
    """Epochs since the validation loss last improved; 0 in the first."""
    reached_accuracy: float = -math.inf
    """The validation accuracy when it last improved."""
    reached_loss: float = math.inf
    """The validation loss when it last improved."""

    def add(self, now: Point, keep: int) -> None:
        """Take an epoch in, and keep the last `keep`."""
        self.plateau_epochs += bool(self.points)
        self.stalled_epochs += bool(self.points)
        self.points = [*self.points, now][-max(keep, 1) :]
        if math.isfinite(now.val_accuracy) and now.val_accuracy >= self.reached_accuracy + ACCURACY_STEP:
            self.reached_accuracy, self.plateau_epochs = now.val_accuracy, 0
        if math.isfinite(now.val_loss) and now.val_loss < self.reached_loss - LOSS_STEP * abs(self._reference()):
            self.reached_loss, self.stalled_epochs = now.val_loss, 0

    @property
    def now(self) -> Point:
        """The epoch taken in last."""
        return self.points[-1]

    @property
    def lowest_loss(self) -> Point:
        """The kept epoch with the lowest validation loss; this one, if none is finite."""
        finite = [point for point in self.points if math.isfinite(point.val_loss)]
        return min(finite, key=lambda point: point.val_loss, default=self.now)

    def _reference(self) -> float:
        return self.reached_loss if math.isfinite(self.reached_loss) else 0.0
