"""How does the host learn, and what would it be without its seeds? Batches, epochs, the twin and the ablation."""

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    CounterfactualMeasured,
    EpochCompleted,
    HostBaselineMeasured,
)
from nissa.sinks.prometheus.lifetimes import at_scrape, of_episode, of_run, of_seeds
from nissa.sinks.prometheus.metric import ENV, Labels, gauge, percent, ratio
from nissa.sinks.prometheus.rows import Row
from nissa.sinks.prometheus.snapshot import Snapshot

__all__ = ["TABLES"]


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
        nissa_isolation_forward_leakage=gauge(
            "none",
            "Largest difference of the epoch that isolated seeds made to an output of the host.",
            "isolation_forward_leakage",
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
