"""What follows from all that is known of a network after an epoch: how it learns, gaps, classes.

Limits are conventions.
Comparisons with NaN are false; that something is not finite is a red flag of its own, and the worst.
"""

from dataclasses import dataclass, field
from math import inf, isfinite, sqrt

from nissa.events.kinds import EpochCompleted
from nissa.operators.assessment.learning import Learning
from nissa.operators.assessment.measurements import EpochMeasurements
from nissa.operators.assessment.plateau import Point, Progress
from nissa.operators.statistics import FALL, RISE, STILL, accuracy_noise, worst_noise

__all__ = ["EpochEvidence"]

GAP = 10.0
"""Percentage points between training and validation accuracy that are many."""
SPREAD = 30.0
"""Percentage points between the best and the worst class that are many."""
COLLAPSE = 20.0
"""Percentage points that the validation accuracy must have lost."""


@dataclass(slots=True)
class EpochEvidence:
    """A network after an epoch."""

    epoch: EpochCompleted
    progress: Progress
    curves: Learning
    measured: EpochMeasurements
    history_length: int = 10
    """Epochs that the narrative's figures go back by."""
    recent: list[Point] = field(init=False)
    """The last epochs."""
    non_finite: bool = field(init=False)
    """Whether anything that was measured in the epoch is NaN or infinite."""
    learning: str = field(init=False)
    """How it learns, as `EpochAssessed.learning` has it; all that is said of it follows from this."""
    apart: tuple[str, str] | None = field(init=False)
    """The worst and the best class, if they are further apart than is much, and than chance would have them."""

    def __post_init__(self) -> None:
        # Each is asked for by several flags, and by the narrative.
        self.recent = self.progress.recent
        self.non_finite = bool(self.measured.broken) or self.complained("non_finite")
        self.learning = self._learning()
        self.apart = self._apart()

    def _learning(self) -> str:
        """The accuracy leads; where it stands still, or is not measured, the loss decides."""
        accuracy, loss = self.curves.accuracy.course.direction, self.curves.loss.direction
        if self.non_finite:
            return "broken"
        if self.diverging or self.collapsed or accuracy == FALL:
            return "worsening"
        if accuracy == RISE or loss == FALL:
            return "improving"
        if loss == RISE:
            return "worsening"
        return "plateau" if self._resting(accuracy) and loss in (STILL, None) else "starting"

    def _resting(self, accuracy: str | None) -> bool:
        measured = self.curves.accuracy.course.mean.tellings
        return accuracy == STILL if measured else self.curves.loss.direction == STILL

    @property
    def diverging(self) -> bool:
        """Whether the training loss has risen over its lowest by far more than its noise, and by half its span."""
        limit = self.curves.training_limit
        return limit is not None and self.progress.now.train_loss - self.lowest_training > limit

    @property
    def lowest_training(self) -> float:
        """The lowest training loss of the last epochs; infinite if none is finite."""
        return min((one.train_loss for one in self.recent if isfinite(one.train_loss)), default=inf)

    @property
    def collapsed(self) -> bool:
        """Whether the validation accuracy has lost much of its best, and more than chance allows for."""
        best, now = self.best, self.progress.now
        chance = accuracy_noise(best.val_accuracy, best.n_val, now.n_val)
        return best.val_accuracy - now.val_accuracy > max(COLLAPSE, chance)

    @property
    def best(self) -> Point:
        """Of the last epochs the one with the highest validation accuracy; this one, if none is finite."""
        finite = [point for point in self.recent if isfinite(point.val_accuracy)]
        return max(finite, key=lambda point: point.val_accuracy, default=self.progress.now)

    @property
    def gap(self) -> float:
        """Training minus validation accuracy, in percentage points."""
        return self.progress.now.train_accuracy - self.progress.now.val_accuracy

    @property
    def wide_gap(self) -> bool:
        """Whether that is much, and more than the validation set allows by chance."""
        now = self.progress.now
        return self.gap > max(GAP, accuracy_noise(now.val_accuracy, now.n_val, now.n_val) / sqrt(2))

    @property
    def overfitting(self) -> bool:
        """Whether it gets worse, and since the validation loss was lowest has learned more of the training set."""
        finite = [point for point in self.recent if isfinite(point.val_loss)]
        lowest = min(finite, key=lambda point: point.val_loss, default=self.progress.now)
        learned = self.progress.now.train_accuracy > lowest.train_accuracy
        return self.learning == "worsening" and self.curves.loss.direction == RISE and learned and self.wide_gap

    def _apart(self) -> tuple[str, str] | None:
        """None where the accuracy of any class is broken: then it is not known which is the worst. None, too, while
        there is little that it learned, and more to come: classes are not learned all at once.
        """
        rows = self.measured.classes.classes if self.measured.classes else {}
        known = {name: row.accuracy for name, row in rows.items() if row.accuracy is not None}
        if not known or not all(map(isfinite, known.values())) or not self._learned(known):
            return None
        worst, best = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        far = max(SPREAD, worst_noise(rows[worst].n, rows[best].n))
        return (worst, best) if known[best] - known[worst] > far else None

    def _learned(self, known: dict[str, float]) -> bool:
        """Whether the accuracy over these classes is above the share of the largest: by half the way to 100%, or as far
        as it gets, and by three standard errors."""
        sizes = [self.measured.classes.classes[name].n for name in known] if self.measured.classes else []
        samples = sum(sizes)
        if not samples:
            return False
        right = sum(accuracy * n for accuracy, n in zip(known.values(), sizes, strict=True)) / samples
        largest = 100 * max(sizes) / samples
        way = 0.5 * (100 - largest) if self.learning in ("starting", "improving") else 0.0
        return right > largest + max(way, accuracy_noise(largest, samples, samples) / sqrt(2))

    def complained(self, complaint: str) -> bool:
        """Whether any layer has this complaint."""
        return any(complaint in source.values() for source in self.measured.sources)
