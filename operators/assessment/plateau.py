"""Progress of an episode: its last epochs, and since when the accuracy has not become better.

>>> progress = Progress()
>>> for epoch, accuracy in [(10, 60.0), (20, 70.0), (30, 70.4)]:
...     progress.add(epoch, Point(train_loss=0.5, train_accuracy=75.0, val_loss=0.5, val_accuracy=accuracy), keep=10)
>>> progress.plateau_epochs, [point.val_accuracy for point in progress.recent]
(10, [70.0, 70.4])

An improvement must be one over the best before it by a margin, as in torch's ReduceLROnPlateau; many small ones add up.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from nissa.events.kinds import EpochCompleted
from nissa.operators.statistics import place

__all__ = ["ACCURACY_STEP", "RECENT", "Point", "Progress", "point"]

ACCURACY_STEP = 0.5
"""Percentage points by which the validation accuracy must rise to have improved. A convention."""
RECENT = 10
"""Epochs that the lowest and the highest are sought in, whatever else is measured: a convention."""


class Point(NamedTuple):
    """An epoch, as far as it is looked at: losses in nats, accuracies in percent; NaN, which is no more and no less
    than anything, where it was not measured."""

    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    n_val: int = 0
    """Samples in the validation set; 0 if not told."""


def point(epoch: EpochCompleted) -> Point:
    """An epoch in doubles, as the log will hold them."""
    figures = epoch.train_loss, epoch.train_accuracy, epoch.val_loss, epoch.val_accuracy
    train_loss, train_accuracy, val_loss, val_accuracy = (math.nan if f is None else float(f) for f in figures)
    return Point(train_loss, train_accuracy, val_loss, val_accuracy, epoch.n_val or 0)


@dataclass(slots=True)
class Progress:
    """An episode so far. A number that is not finite is no improvement, and no lowest or highest."""

    points: dict[int, Point] = field(default_factory=dict)
    """The last epochs by number, this one included, and at least the one told before it."""
    epoch: int = 0
    """The epoch taken in last."""
    before: int = 0
    """The one told before it; itself, if it is the first."""
    improved: int = 0
    """The epoch in which the validation accuracy last improved."""
    reached_accuracy: float = -math.inf
    """The validation accuracy then."""

    def add(self, epoch: int | None, now: Point, keep: int) -> None:
        """Take an epoch in, and keep the last `keep`. One without a number, or a higher one, is the next."""
        at = place(self.epoch if self.points else None, epoch)
        self.before, self.epoch = self.epoch if self.points else at, at
        self.points = dict(self._since(keep)) | {at: now}
        finite = math.isfinite(now.val_accuracy)
        if finite and now.val_accuracy >= self.reached_accuracy + ACCURACY_STEP:
            self.improved, self.reached_accuracy = at, now.val_accuracy

    @property
    def now(self) -> Point:
        """The epoch taken in last."""
        return self.points[self.epoch]

    @property
    def plateau_epochs(self) -> int | None:
        """Epochs since the validation accuracy last improved; None before one was measured."""
        return self.epoch - self.improved if math.isfinite(self.reached_accuracy) else None

    @property
    def recent(self) -> list[Point]:
        """The last epochs that are compared with each other, and at least the one told before this one."""
        return [point for _, point in self._since(RECENT)]

    def _since(self, epochs: int) -> Iterable[tuple[int, Point]]:
        first = min(self.before, self.epoch - epochs + 1)
        return ((at, point) for at, point in self.points.items() if at >= first)
