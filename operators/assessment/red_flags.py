"""What is wrong with a network, and what could be done: one predicate a flag; their thresholds are conventions.

A new flag is a function, its line in the table here, and its name in the vocabulary.
"""

from collections.abc import Callable, Mapping
from math import inf, isfinite

from nissa.operators.assessment.evidence import GAP, EpochEvidence, chance

__all__ = ["OFFERS", "RED_FLAGS", "opportunities", "raised_flags"]

DIVERGENCE, DIVERGENCE_FLOOR = 2.0, 0.1
"""Times its lowest to which the training loss must have risen, and by how many nats: twice a tiny loss is noise."""
COLLAPSE = 20.0
"""Percentage points that the validation accuracy must have lost."""
LEAK = 1e-6
"""Norm of a gradient beyond what rounding leaves of isolation."""
SHARP, SHARP_FLOOR = 0.1, 0.05
"""Share of the loss, and nats, by which random steps must raise it."""
SMALL_GAP = 5.0
"""Percentage points between training and validation accuracy that are few."""
FITTED = 95.0
"""Training accuracy in percent from which the training set counts as learned."""


def raised_flags(evidence: EpochEvidence) -> list[str]:
    """What is wrong, the worst first."""
    return [flag for flag, raised in RED_FLAGS.items() if raised(evidence)]


def opportunities(evidence: EpochEvidence) -> list[str]:
    """What could be done."""
    return [name for name, offered in OFFERS.items() if offered(evidence)]


def _diverging(evidence: EpochEvidence) -> bool:
    lowest = min((point.train_loss for point in evidence.progress.points if isfinite(point.train_loss)), default=inf)
    now = evidence.progress.now.train_loss
    return now > DIVERGENCE * lowest and now > lowest + DIVERGENCE_FLOOR


def _collapsed(evidence: EpochEvidence) -> bool:
    best = max((point.val_accuracy for point in evidence.progress.points if isfinite(point.val_accuracy)), default=-inf)
    return evidence.progress.now.val_accuracy < best - max(COLLAPSE, chance(evidence.epoch.n_val or 0))


def _leaks(evidence: EpochEvidence) -> bool:
    """Isolation promises no gradient at all, so one that is NaN breaks it as well."""
    leakage = evidence.epoch.isolation_leakage
    return leakage is not None and not leakage <= LEAK


def _dead_gradients(evidence: EpochEvidence) -> bool:
    """For two epochs: a seed that begins as nothing at all has no gradient below its last layer at first."""
    return any(wrong == "dead" == evidence.before.get(name) for name, wrong in evidence.measured.gradients.items())


def _overfitting(evidence: EpochEvidence) -> bool:
    """Since the validation loss was lowest it has risen, and the training accuracy too."""
    learned = evidence.progress.now.train_accuracy > evidence.progress.lowest_loss.train_accuracy
    return evidence.loss_rises and learned and evidence.gap > GAP


def _sharp(evidence: EpochEvidence) -> bool:
    row = evidence.measured.sharpness
    return row is not None and (row.sharpness or 0.0) > max(SHARP * abs(row.loss), SHARP_FLOOR)


def _healthy(evidence: EpochEvidence) -> bool:
    gradients = evidence.measured.gradients
    return bool(gradients) and not any(gradients.values()) and not evidence.non_finite


def _underfitting(evidence: EpochEvidence) -> bool:
    """It no longer improves, has not learned the training set, and does no better on it than on the other."""
    return evidence.sustained_plateau and evidence.progress.now.train_accuracy < FITTED and evidence.gap < SMALL_GAP


RED_FLAGS: Mapping[str, Callable[[EpochEvidence], bool]] = {
    "non_finite": lambda evidence: evidence.non_finite,
    "exploding_gradients": lambda evidence: "exploding" in evidence.measured.gradients.values(),
    "diverging": _diverging,
    "accuracy_collapse": _collapsed,
    "isolation_leak": _leaks,
    "vanishing_gradients": lambda evidence: "vanishing" in evidence.measured.gradients.values(),
    "dead_gradients": _dead_gradients,
    "dead_units": lambda evidence: "dead" in evidence.measured.activations.values(),
    "overfitting": _overfitting,
    "sustained_plateau": lambda evidence: evidence.sustained_plateau,
    "sharp_minimum": _sharp,
    "class_imbalance": lambda evidence: evidence.apart is not None,
}
"""What may be wrong, the worst first."""

OFFERS: Mapping[str, Callable[[EpochEvidence], bool]] = {
    "slot_available": lambda evidence: any(slot.stage == "DORMANT" for slot in evidence.epoch.slots),
    "healthy_gradients": _healthy,
    "underfitting": _underfitting,
}
"""What could be done: grow into an empty slot, train on undisturbed, add capacity."""
