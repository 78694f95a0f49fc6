"""What follows from all that is known of a network after an epoch: gaps, rises, plateaus. Limits are conventions.

Comparisons with NaN are false; that something is not finite is a red flag of its own, and the worst.
"""

from dataclasses import dataclass, field
from math import inf, isfinite, sqrt

from nissa.events.kinds import EpochCompleted
from nissa.operators.assessment.layer_health import Complaints
from nissa.operators.assessment.measurements import EpochMeasurements
from nissa.operators.assessment.plateau import ACCURACY_STEP, Progress

__all__ = ["GAP", "RISE", "SPREAD", "EpochEvidence", "chance"]

GAP = 10.0
"""Percentage points between training and validation accuracy that are many."""
RISE = 0.05
"""Share of itself by which the validation loss must have risen over its lowest."""
SPREAD = 30.0
"""Percentage points between the best and the worst class that are many."""


@dataclass(slots=True)
class EpochEvidence:
    """A network after an epoch."""

    epoch: EpochCompleted
    progress: Progress
    measured: EpochMeasurements
    before: Complaints = field(default_factory=dict)
    """What was wrong with the gradients in the epoch before."""
    history_length: int = 10

    @property
    def non_finite(self) -> bool:
        """Whether anything that was measured in the epoch is NaN or infinite."""
        return bool(self.measured.broken) or self.complained("non_finite")

    @property
    def gap(self) -> float:
        """Training minus validation accuracy, in percentage points."""
        return self.progress.now.train_accuracy - self.progress.now.val_accuracy

    @property
    def loss_rises(self) -> bool:
        """Whether the validation loss has risen over its lowest in the history."""
        lowest = self.progress.lowest_loss.val_loss
        return self.progress.now.val_loss > lowest + RISE * abs(lowest)

    @property
    def sustained_plateau(self) -> bool:
        """Whether accuracy stands still for two fifths of the history, and 3 epochs at least, short of 100%."""
        long = max(3, self.history_length * 2 // 5)
        return self.progress.plateau_epochs >= long and self.progress.reached_accuracy + ACCURACY_STEP <= 100

    @property
    def apart(self) -> tuple[str, str] | None:
        """The worst and the best class, if they are further apart than is much, and than chance would have them.

        None where the accuracy of any class is broken: then it is not known which is the worst.
        """
        rows = self.measured.classes.classes if self.measured.classes else {}
        known = {name: row.accuracy for name, row in rows.items() if row.accuracy is not None}
        if not known or not all(map(isfinite, known.values())):
            return None
        worst, best = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
        far = max(SPREAD, chance(min(rows[worst].n, rows[best].n)))
        return (worst, best) if known[best] - known[worst] > far else None

    def complained(self, complaint: str) -> bool:
        """Whether any layer has this complaint."""
        return any(complaint in source.values() for source in self.measured.sources)


def chance(samples: int) -> float:
    """Three standard errors of the difference of two accuracies around 50%, in percentage points.

    >>> chance(450)
    10.0
    """
    return 300 * sqrt(2 * 0.25 / samples) if samples > 0 else inf
