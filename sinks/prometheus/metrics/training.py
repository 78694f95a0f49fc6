"""How does the host learn, and what would it be without its seeds? Batches, epochs, the twin and the ablation.

What the mean over the validation set hides is here too: the best and the worst class, and how sharp the minimum is.
"""

from math import isnan

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    BatchCompleted,
    ClassesMeasured,
    CounterfactualMeasured,
    EpochCompleted,
    GradientsMeasured,
    HostBaselineMeasured,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.sinks.prometheus.lifetimes import at_scrape, of_episode, of_run, of_seeds
from nissa.sinks.prometheus.metric import ENV, Labels, gauge, percent, ratio
from nissa.sinks.prometheus.rows import Row
from nissa.sinks.prometheus.snapshot import Snapshot

__all__ = ["TABLES", "VALIDATION"]


def _all_off(at: Labels, event: Event[CounterfactualMeasured]) -> list[Row]:
    return [(at, result) for result in event.payload.results if not any(result.config)]


def _all_on(at: Labels, event: Event[CounterfactualMeasured]) -> list[Row]:
    return [(at, result) for result in event.payload.results if all(result.config)]


def _beside(_: Labels, known: Snapshot) -> list[Row]:
    """The twin at the epoch that each episode completed last, where it was told epoch by epoch."""
    found: list[Row] = []
    for place in known.places:
        completed = place.latest.get(EpochCompleted)
        epoch = completed.scope.epoch if completed else None
        if epoch is not None and (accuracy := place.twin.get(epoch)) is not None:
            found.append((place.at, accuracy))
    return found


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
    of_episode(EpochCompleted, ENV)(
        nissa_train_loss=gauge("nats", "Mean training loss of the last epoch.", "train_loss"),
        nissa_train_accuracy_ratio=gauge("ratio", "Training accuracy of the last epoch.", percent("train_accuracy")),
        nissa_val_loss=gauge("nats", "Validation loss after the last epoch.", "val_loss"),
        nissa_val_accuracy_ratio=gauge("ratio", "Validation accuracy after the last epoch.", percent("val_accuracy")),
        nissa_val_samples=gauge("samples", "Samples in the validation set.", "n_val"),
        nissa_host_parameters=gauge("parameters", "Trainable parameters of the host itself.", "host_params"),
        nissa_seed_parameters=gauge(
            "parameters", "Trainable parameters of all seeds present, whatever their stage.", "total_seed_params"
        ),
        nissa_fossilized_parameters=gauge(
            "parameters", "Trainable parameters of the fossilized seeds.", "fossilized_params"
        ),
        nissa_host_grad_norm=gauge(
            "L2 norm", "Norm of the host's own gradient, mean over the batches of the epoch.", "host_grad_norm"
        ),
        nissa_isolation_leakage=gauge(
            "L2 norm", "Largest gradient of the epoch that isolated seeds sent into the host.", "isolation_leakage"
        ),
    ),
    of_episode(BatchCompleted, ENV)(
        nissa_batch_loss=gauge("nats", "Training loss of the last batch.", "loss"),
        nissa_batch_accuracy_ratio=gauge("ratio", "Training accuracy of the last batch.", percent("accuracy")),
        nissa_batch_host_grad_norm=gauge(
            "L2 norm", "Norm of the host's own gradient in the last batch, before clipping.", "host_grad_norm"
        ),
    ),
    of_run(HostBaselineMeasured, ENV)(
        nissa_baseline_initial_accuracy_ratio=gauge(
            "ratio", "Validation accuracy of the host-only twin before training.", percent("initial_accuracy")
        ),
        nissa_baseline_initial_loss=gauge(
            "nats", "Validation loss of the host-only twin before training.", "initial_loss"
        ),
        nissa_baseline_final_accuracy_ratio=gauge(
            "ratio", "Validation accuracy of the host-only twin after all of its epochs.", percent("final_accuracy")
        ),
        nissa_baseline_final_loss=gauge(
            "nats", "Validation loss of the host-only twin after all of its epochs.", "final_loss"
        ),
        nissa_baseline_epochs=gauge("epochs", "Epochs that the host-only twin was trained.", "epochs"),
        nissa_baseline_parameters=gauge("parameters", "Trainable parameters of the host-only twin.", "host_params"),
    ),
    at_scrape(Snapshot, ENV, rows=_beside)(
        nissa_baseline_epoch_accuracy_ratio=gauge(
            "ratio", "Validation accuracy of the host-only twin at the epoch that the episode completed last.", ratio
        ),
    ),
    of_seeds(CounterfactualMeasured, ENV, rows=_all_off)(
        nissa_ablation_all_off_accuracy_ratio=gauge(
            "ratio",
            "Accuracy of the network as trained with every seed switched off; gone once it has other seeds.",
            percent("val_accuracy"),
        ),
        nissa_ablation_all_off_loss=gauge(
            "nats", "Validation loss of the network as trained with every seed switched off.", "val_loss"
        ),
    ),
    of_seeds(CounterfactualMeasured, ENV, rows=_all_on)(
        nissa_ablation_all_on_accuracy_ratio=gauge(
            "ratio",
            "Accuracy of the network as trained with every seed switched on; gone once it has other seeds.",
            percent("val_accuracy"),
        ),
        nissa_ablation_all_on_loss=gauge(
            "nats", "Validation loss of the network as trained with every seed switched on.", "val_loss"
        ),
    ),
    of_seeds(CounterfactualMeasured, ENV)(
        nissa_ablation_configurations=gauge(
            "configurations", "Configurations that the last ablation measured.", lambda row: len(row.results)
        ),
    ),
)

VALIDATION = (
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
        nissa_sharpness_spread_nats=gauge(
            "nats", "Standard deviation of that rise over pairs of perturbations.", "spread"
        ),
        nissa_sam_sharpness_nats=gauge("nats", "Rise of the loss under a step along the gradient.", "sam"),
        nissa_sharpness_loss=gauge("nats", "Loss of the unperturbed network on the same samples.", "loss"),
        nissa_sharpness_samples=gauge("perturbations", "Random perturbations that were tried.", "samples"),
        nissa_sharpness_scale_ratio=gauge("ratio", "Size of a perturbation relative to that of the weights.", "scale"),
    ),
)
