"""Which way do accuracy and losses go, and how much is much for them? All that is judged of learning follows from it.

Losses are judged by their own noise and span alone: another unit or another zero of them changes nothing.
"""

from dataclasses import dataclass, field
from math import isfinite, sqrt

from nissa.events.kinds import EpochCompleted
from nissa.operators.assessment.accuracy_course import AccuracyCourse
from nissa.operators.assessment.plateau import Point
from nissa.operators.statistics import Course, CurveScale

__all__ = ["Learning"]

ERRORS = 3.0
"""Standard errors of a difference beyond which it is none of chance, as for accuracies."""
STEP = 0.01
"""Share of a loss's span that is a move: what a loss without noise does in its last digits is none. A convention."""
LEAST = 1e-6
"""Share of the largest loss so far that a move must be: a loss that vanished has no noise of its own."""
OUTBREAK, OUTBREAK_SPAN = 6.0, 0.5
"""By how many standard errors, and by what share of all that it learned, the training loss rises that diverges."""


@dataclass(slots=True)
class Learning:
    """The curves of one episode. What is not finite is no part of them."""

    accuracy: AccuracyCourse = field(default_factory=AccuracyCourse)
    loss: Course = field(default_factory=Course)
    loss_scale: CurveScale = field(default_factory=CurveScale)
    training_scale: CurveScale = field(default_factory=CurveScale)
    largest_loss: float = 0.0
    """Largest magnitude of the validation loss so far."""
    largest_training: float = 0.0
    training_limit: float | None = None
    """What the training loss of the last epoch may be over its lowest; None while too few were told."""

    def add(self, place: int, epoch: EpochCompleted, now: Point) -> None:
        """Take an epoch in, and judge where each curve goes."""
        self.accuracy.add(place, epoch)
        self.training_limit = self._training_limit()
        if isfinite(now.train_loss):
            self.training_scale.add(place, now.train_loss)
            self.largest_training = max(self.largest_training, abs(now.train_loss))
        if isfinite(now.val_loss):
            self.loss_scale.add(place, now.val_loss)
            self.loss.add(place, now.val_loss)
            self.largest_loss = max(self.largest_loss, abs(now.val_loss))
            self._turn()

    def _turn(self) -> None:
        noise, anchor, mean = self.loss_scale.noise, self.loss.anchor, self.loss.mean
        if noise is not None:
            error = ERRORS * noise * sqrt(1 / anchor.tellings + 1 / mean.tellings)
            move = max(error, STEP * self.loss_scale.span, LEAST * self.largest_loss)
            self.loss.turn(move, move / 4)

    def _training_limit(self) -> float | None:
        noise = self.training_scale.noise
        if noise is None:
            return None
        span, least = OUTBREAK_SPAN * self.training_scale.span, LEAST * self.largest_training
        return max(OUTBREAK * sqrt(2) * noise, span, least)
