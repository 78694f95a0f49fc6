"""What does the mean over the validation set hide? The best and the worst class, and how sharp the minimum is."""

from collections.abc import Iterator
from math import isnan

from nissa.events.event import Event
from nissa.events.kinds import ClassesMeasured, SharpnessMeasured
from nissa.sinks.prometheus.metric import ENV, Labels, Readings, Rows, Sample, metrics, ratio

__all__ = ["GAUGES", "METRICS"]

_CLASSES: Rows = {
    "nissa_class_accuracy_min_ratio": ("ratio", "Validation accuracy of the class that is recognized worst."),
    "nissa_class_accuracy_max_ratio": ("ratio", "Validation accuracy of the class that is recognized best."),
    "nissa_worst_class_loss": ("nats", "Validation loss of the class with the highest one."),
}
_SHARPNESS: Rows = {
    "nissa_sharpness_nats": ("nats", "Mean rise of the loss under random perturbations of the weights."),
    "nissa_sharpness_spread_nats": ("nats", "Standard deviation of that rise over pairs of perturbations."),
    "nissa_sam_sharpness_nats": ("nats", "Rise of the loss under a step along the gradient."),
    "nissa_sharpness_loss": ("nats", "Loss of the unperturbed network on the same samples."),
    "nissa_sharpness_samples": ("perturbations", "Random perturbations that were tried."),
    "nissa_sharpness_scale_ratio": ("ratio", "Size of a perturbation relative to that of the weights."),
}

METRICS = metrics("gauge", ENV, {**_CLASSES, **_SHARPNESS})


def _classes(at: Labels, event: Event[ClassesMeasured]) -> Iterator[Sample]:
    rows = event.payload.classes.values()
    accuracies = [row.accuracy for row in rows if row.accuracy is not None]
    losses = [row.loss for row in rows if row.loss is not None]
    # What is NaN loses every comparison, and is the worst.
    yield "nissa_class_accuracy_min_ratio", at, ratio(min(accuracies, key=_finite_last, default=None))
    yield "nissa_class_accuracy_max_ratio", at, ratio(max(accuracies, key=_finite_last, default=None))
    yield "nissa_worst_class_loss", at, max(losses, key=lambda loss: (isnan(loss), loss), default=None)


def _finite_last(accuracy: float) -> tuple[bool, float]:
    return not isnan(accuracy), accuracy


def _sharpness(at: Labels, event: Event[SharpnessMeasured]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_sharpness_nats", at, row.sharpness
    yield "nissa_sharpness_spread_nats", at, row.spread
    yield "nissa_sam_sharpness_nats", at, row.sam
    yield "nissa_sharpness_loss", at, row.loss
    yield "nissa_sharpness_samples", at, row.samples
    yield "nissa_sharpness_scale_ratio", at, row.scale


GAUGES: Readings = {ClassesMeasured: _classes, SharpnessMeasured: _sharpness}
