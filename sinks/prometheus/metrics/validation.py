"""What does the mean over the validation set hide, and of which epoch is what is measured now and then?

The best and the worst class, and how sharp the minimum is.
"""

from math import isnan

from nissa.events.kinds import (
    ActivationsMeasured,
    ClassesMeasured,
    CounterfactualMeasured,
    GradientsMeasured,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.sinks.prometheus.lifetimes import at_scrape, of_episode
from nissa.sinks.prometheus.metric import ENV, Labels, gauge, ratio
from nissa.sinks.prometheus.rows import Row
from nissa.sinks.prometheus.snapshot import Snapshot

__all__ = ["TABLES"]

_NOW_AND_THEN = (
    *(GradientsMeasured, WeightsMeasured, ActivationsMeasured),
    *(ClassesMeasured, SharpnessMeasured, CounterfactualMeasured),
)
"""What need not be measured in every epoch: its last values stay, and so must be told of which epoch they are."""


def _epochs_of(_: Labels, known: Snapshot) -> list[Row]:
    return [
        ((*place.at, kind.kind), place.latest[kind].scope.epoch)
        for place in known.places
        for kind in _NOW_AND_THEN
        if kind in place.latest
    ]


def _worst_accuracy(row: ClassesMeasured) -> float | None:
    return ratio(min(_accuracies(row), key=_finite_last, default=None))


def _best_accuracy(row: ClassesMeasured) -> float | None:
    return ratio(max(_accuracies(row), key=_finite_last, default=None))


def _accuracies(row: ClassesMeasured) -> list[float]:
    return [figures.accuracy for figures in row.classes.values() if figures.accuracy is not None]


def _finite_last(accuracy: float) -> tuple[bool, float]:
    """What is NaN loses every comparison, and is the worst."""
    return not isnan(accuracy), accuracy


def _worst_loss(row: ClassesMeasured) -> float | None:
    losses = [figures.loss for figures in row.classes.values() if figures.loss is not None]
    return max(losses, key=lambda loss: (isnan(loss), loss), default=None)


TABLES = (
    at_scrape(Snapshot, (*ENV, "kind"), rows=_epochs_of)(
        nissa_measured_epoch=gauge(
            "1",
            "Host epoch of the last measurement of this kind in the episode, whose values are shown until the next.",
            lambda epoch: epoch,
        ),
    ),
    of_episode(ClassesMeasured, ENV)(
        nissa_class_accuracy_min_ratio=gauge(
            "ratio", "Validation accuracy of the class that is recognized worst.", _worst_accuracy
        ),
        nissa_class_accuracy_max_ratio=gauge(
            "ratio", "Validation accuracy of the class that is recognized best.", _best_accuracy
        ),
        nissa_worst_class_loss=gauge("nats", "Validation loss of the class with the highest one.", _worst_loss),
    ),
    of_episode(SharpnessMeasured, ENV)(
        nissa_sharpness_nats=gauge(
            "nats", "Mean rise of the loss under random perturbations of the weights.", "sharpness"
        ),
        nissa_sharpness_se_nats=gauge(
            "nats", "Standard error of that mean, from the perturbations that were drawn.", "sharpness_se"
        ),
        nissa_sharpness_spread_nats=gauge(
            "nats", "Standard deviation of that rise over pairs of perturbations.", "spread"
        ),
        nissa_sam_sharpness_nats=gauge("nats", "Rise of the loss under a step along the gradient.", "sam"),
        nissa_sharpness_loss=gauge("nats", "Loss of the unperturbed network on the same samples.", "loss"),
        nissa_sharpness_samples=gauge("perturbations", "Random perturbations that were tried.", "samples"),
        nissa_sharpness_scale_ratio=gauge("ratio", "Size of a perturbation relative to that of the weights.", "scale"),
    ),
)
