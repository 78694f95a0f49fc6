"""What is wrong with a network, and what could be done: one predicate a flag; their thresholds are conventions.

A new flag is a function, its line in the table here, and its name in the vocabulary.
"""

from collections.abc import Callable, Mapping

from nissa.operators.assessment.evidence import EpochEvidence
from nissa.operators.assessment.plateau import ACCURACY_STEP

__all__ = ["OFFERS", "RED_FLAGS", "opportunities", "raised_flags"]

LEAK = 1e-6
"""Norm of a gradient, or difference of an output, beyond what rounding leaves of isolation."""
SHARP = 0.1
"""Share of the validation loss's span, which is all that was learned, by which random steps must raise the loss."""
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


def _leaks(evidence: EpochEvidence) -> bool:
    """Isolation promises no gradient and no difference at all, so one that is NaN breaks it as well."""
    found = (evidence.epoch.isolation_leakage, evidence.epoch.isolation_forward_leakage)
    return any(leakage is not None and not leakage <= LEAK for leakage in found)


def _sustained_plateau(evidence: EpochEvidence) -> bool:
    """It stands still, short of 100%."""
    reached = evidence.curves.accuracy.course.mean
    return evidence.learning == "plateau" and (not reached.tellings or reached.value + ACCURACY_STEP <= 100)


def _sharp(evidence: EpochEvidence) -> bool:
    """Not judged before anything is known of the loss's span."""
    row, loss = evidence.measured.sharpness, evidence.curves.loss_scale
    return (
        row is not None and row.sharpness is not None and loss.noise is not None and row.sharpness > SHARP * loss.span
    )


def _healthy(evidence: EpochEvidence) -> bool:
    gradients = evidence.measured.gradients
    return bool(gradients) and not any(gradients.values()) and not evidence.non_finite


def _underfitting(evidence: EpochEvidence) -> bool:
    """It no longer improves, has not learned the training set, and does no better on it than on the other."""
    return _sustained_plateau(evidence) and evidence.progress.now.train_accuracy < FITTED and evidence.gap < SMALL_GAP


RED_FLAGS: Mapping[str, Callable[[EpochEvidence], bool]] = {
    "non_finite": lambda evidence: evidence.non_finite,
    "exploding_gradients": lambda evidence: "exploding" in evidence.measured.gradients.values(),
    "diverging": lambda evidence: evidence.diverging,
    "accuracy_collapse": lambda evidence: evidence.collapsed,
    "isolation_leak": _leaks,
    "vanishing_gradients": lambda evidence: "vanishing" in evidence.measured.gradients.values(),
    "dead_gradients": lambda evidence: "dead" in evidence.measured.gradients.values(),
    "dead_units": lambda evidence: "dead" in evidence.measured.activations.values(),
    "overfitting": lambda evidence: evidence.overfitting,
    "sustained_plateau": _sustained_plateau,
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
