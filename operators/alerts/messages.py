"""Is something wrong with the host's training? One rule a function: each says what it found, or None.

A rule compares, and changes nothing. Numbers handed in are finite, but for those of `non_finite`.
"""

from math import isfinite, sqrt

from nissa.events.kinds import AlertRaised
from nissa.operators.statistics.spike_detector import Alarm

__all__ = [
    "accuracy_drop",
    "dormant_units",
    "gradient_explosion",
    "loss_spike",
    "noise_of_a_difference",
    "non_finite",
    "non_finite_elements",
]


def non_finite(subject: str, measure: str, value: float) -> AlertRaised | None:
    """A measured value that is NaN or infinite."""
    if isfinite(value):
        return None
    return AlertRaised(
        alert="non_finite",
        severity="critical",
        subject=subject,
        value=value,
        clause="not_finite",
        what=f"{measure} is {value}",
    )


def non_finite_elements(subject: str, measure: str, elements: int) -> AlertRaised | None:
    """Some elements, of which there should be none, are NaN or infinite."""
    if elements <= 0:
        return None
    return AlertRaised(
        alert="non_finite",
        severity="critical",
        subject=subject,
        value=float(elements),
        threshold=0.0,
        clause="not_finite",
        what=f"{elements} {measure} are not finite",
    )


def loss_spike(subject: str, value: float, alarm: Alarm | None) -> AlertRaised | None:
    """A loss that its detector found to be out of order."""
    if alarm is None:
        return None
    what = f"{subject} {value:.4g} over {alarm.threshold:.4g}, usually {alarm.baseline:.4g}: {alarm.clause}"
    return AlertRaised(
        alert="loss_spike",
        severity="warning",
        subject=subject,
        value=value,
        baseline=alarm.baseline,
        threshold=alarm.threshold,
        window=alarm.window,
        clause=alarm.clause,
        what=what,
    )


def gradient_explosion(subject: str, norm: float, alarm: Alarm | None) -> AlertRaised | None:
    """A gradient norm that is far above what is typical of it."""
    if alarm is None:
        return None
    times = f"{norm / alarm.baseline:,.0f} times its typical {alarm.baseline:.4g}"
    return AlertRaised(
        alert="gradient_explosion",
        severity="critical",
        subject=subject,
        value=norm,
        baseline=alarm.baseline,
        threshold=alarm.threshold,
        window=alarm.window,
        clause=alarm.clause,
        what=f"gradient norm of {subject} is {norm:.4g}, {times}",
    )


def noise_of_a_difference(accuracy: float, n_val: int) -> float:
    """Three standard errors of the difference of two accuracies, each from `n_val` samples, in points; 0 of no samples.

    >>> round(noise_of_a_difference(90.0, 360), 2)
    6.71
    """
    share = min(max(accuracy / 100, 0.0), 1.0)
    return 300 * sqrt(2 * share * (1 - share) / n_val) if n_val > 0 else 0.0


def accuracy_drop(value: float, before: float, points: float) -> AlertRaised | None:
    """A validation accuracy more than `points` below the one before."""
    if before - value <= points:
        return None
    return AlertRaised(
        alert="accuracy_drop",
        severity="warning",
        subject="val_accuracy",
        value=value,
        baseline=before,
        threshold=before - points,
        window=1,
        clause="drop",
        what=f"validation accuracy fell from {before:.2f}% to {value:.2f}%, by more than {points:.2f} points",
    )


def dormant_units(layer: str, share: float, limit: float, measurements: int) -> AlertRaised:
    """A share of units above the limit for so many measurements in a row."""
    return AlertRaised(
        alert="dormant_units",
        severity="warning",
        subject=layer,
        value=share,
        threshold=limit,
        window=measurements,
        clause="limit",
        what=f"{share:.0%} of the units of {layer} are dormant, in {measurements} measurements in a row",
    )
