"""What is wrong with a network, and what could be done? One predicate a flag; their thresholds are conventions.

A new flag is a function, its line in the table here, and its name in the vocabulary.
"""

from collections.abc import Callable, Mapping
from math import inf, isfinite

from nissa.operators.assessment.evidence import GAP, Seen, chance

__all__ = ["OFFERS", "RED_FLAGS", "opportunities", "red_flags"]

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


def red_flags(seen: Seen) -> list[str]:
    """What is wrong, the worst first."""
    return [flag for flag, raised in RED_FLAGS.items() if raised(seen)]


def opportunities(seen: Seen) -> list[str]:
    """What could be done."""
    return [name for name, offered in OFFERS.items() if offered(seen)]


def _diverging(seen: Seen) -> bool:
    lowest = min((point.train_loss for point in seen.progress.points if isfinite(point.train_loss)), default=inf)
    now = seen.progress.now.train_loss
    return now > DIVERGENCE * lowest and now > lowest + DIVERGENCE_FLOOR


def _collapsed(seen: Seen) -> bool:
    best = max((point.val_accuracy for point in seen.progress.points if isfinite(point.val_accuracy)), default=-inf)
    return seen.progress.now.val_accuracy < best - max(COLLAPSE, chance(seen.epoch.n_val or 0))


def _leaks(seen: Seen) -> bool:
    """Isolation promises no gradient at all, so one that is NaN breaks it as well."""
    leakage = seen.epoch.isolation_leakage
    return leakage is not None and not leakage <= LEAK


def _dead_gradients(seen: Seen) -> bool:
    """For two epochs: a seed that begins as nothing at all has no gradient below its last layer at first."""
    return any(wrong == "dead" == seen.before.get(name) for name, wrong in seen.findings.gradients.items())


def _overfitting(seen: Seen) -> bool:
    """Since the validation loss was lowest it has risen, and the training accuracy too."""
    learned = seen.progress.now.train_accuracy > seen.progress.lowest_loss.train_accuracy
    return seen.loss_rises and learned and seen.gap > GAP


def _sharp(seen: Seen) -> bool:
    row = seen.findings.sharpness
    return row is not None and (row.sharpness or 0.0) > max(SHARP * abs(row.loss), SHARP_FLOOR)


def _healthy(seen: Seen) -> bool:
    gradients = seen.findings.gradients
    return bool(gradients) and not any(gradients.values()) and not seen.non_finite


def _underfitting(seen: Seen) -> bool:
    """It no longer improves, has not learned the training set, and does no better on it than on the other."""
    return seen.sustained_plateau and seen.progress.now.train_accuracy < FITTED and seen.gap < SMALL_GAP


RED_FLAGS: Mapping[str, Callable[[Seen], bool]] = {
    "non_finite": lambda seen: seen.non_finite,
    "exploding_gradients": lambda seen: "exploding" in seen.findings.gradients.values(),
    "diverging": _diverging,
    "accuracy_collapse": _collapsed,
    "isolation_leak": _leaks,
    "vanishing_gradients": lambda seen: "vanishing" in seen.findings.gradients.values(),
    "dead_gradients": _dead_gradients,
    "dead_units": lambda seen: "dead" in seen.findings.activations.values(),
    "overfitting": _overfitting,
    "sustained_plateau": lambda seen: seen.sustained_plateau,
    "sharp_minimum": _sharp,
    "class_imbalance": lambda seen: seen.apart is not None,
}
"""What may be wrong, the worst first."""

OFFERS: Mapping[str, Callable[[Seen], bool]] = {
    "slot_available": lambda seen: any(slot.stage == "DORMANT" for slot in seen.epoch.slots),
    "healthy_gradients": _healthy,
    "underfitting": _underfitting,
}
"""What could be done: grow into an empty slot, train on undisturbed, add capacity."""
