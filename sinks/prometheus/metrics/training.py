"""How does the host learn, and what would it be without its seeds? Batches, epochs, the twin and the ablation."""

from collections.abc import Iterator

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    CounterfactualMeasured,
    CounterfactualResult,
    EpochCompleted,
    HostBaselineMeasured,
)
from nissa.sinks.prometheus.metric import ENV, Labels, Readings, Rows, Sample, metrics, ratio

__all__ = ["GAUGES", "METRICS"]

_EPOCH: Rows = {
    "nissa_train_loss": ("nats", "Mean training loss of the last epoch."),
    "nissa_train_accuracy_ratio": ("ratio", "Training accuracy of the last epoch."),
    "nissa_val_loss": ("nats", "Validation loss after the last epoch."),
    "nissa_val_accuracy_ratio": ("ratio", "Validation accuracy after the last epoch."),
    "nissa_val_samples": ("samples", "Samples in the validation set."),
    "nissa_host_parameters": ("parameters", "Trainable parameters of the host itself."),
    "nissa_seed_parameters": ("parameters", "Trainable parameters of all seeds present, whatever their stage."),
    "nissa_fossilized_parameters": ("parameters", "Trainable parameters of the fossilized seeds."),
    "nissa_host_grad_norm": ("L2 norm", "Norm of the host's own gradient, mean over the batches of the epoch."),
    "nissa_isolation_leakage": ("L2 norm", "Largest gradient of the epoch that isolated seeds sent into the host."),
}
_BATCH: Rows = {
    "nissa_batch_loss": ("nats", "Training loss of the last batch."),
    "nissa_batch_accuracy_ratio": ("ratio", "Training accuracy of the last batch."),
    "nissa_batch_host_grad_norm": ("L2 norm", "Norm of the host's own gradient in the last batch, before clipping."),
}
_BASELINE: Rows = {
    "nissa_baseline_initial_accuracy_ratio": ("ratio", "Validation accuracy of the host-only twin before training."),
    "nissa_baseline_initial_loss": ("nats", "Validation loss of the host-only twin before training."),
    "nissa_baseline_final_accuracy_ratio": ("ratio", "Validation accuracy of the host trained alone, no seeds ever."),
    "nissa_baseline_final_loss": ("nats", "Validation loss of the host trained alone, no seeds ever."),
    "nissa_baseline_epochs": ("epochs", "Epochs that the host-only twin was trained."),
    "nissa_baseline_parameters": ("parameters", "Trainable parameters of the host-only twin."),
}
_ABLATION: Rows = {
    "nissa_ablation_all_off_accuracy_ratio": ("ratio", "Accuracy of the grown model with every seed switched off."),
    "nissa_ablation_all_off_loss": ("nats", "Validation loss of the grown model with every seed switched off."),
    "nissa_ablation_all_on_accuracy_ratio": ("ratio", "Accuracy of the grown model with every seed switched on."),
    "nissa_ablation_all_on_loss": ("nats", "Validation loss of the grown model with every seed switched on."),
    "nissa_ablation_configurations": ("configurations", "Configurations that the last ablation measured."),
}

METRICS = metrics("gauge", ENV, {**_EPOCH, **_BATCH, **_BASELINE, **_ABLATION})


def _epoch(at: Labels, event: Event[EpochCompleted]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_train_loss", at, row.train_loss
    yield "nissa_train_accuracy_ratio", at, ratio(row.train_accuracy)
    yield "nissa_val_loss", at, row.val_loss
    yield "nissa_val_accuracy_ratio", at, ratio(row.val_accuracy)
    yield "nissa_val_samples", at, row.n_val
    yield "nissa_host_parameters", at, row.host_params
    yield "nissa_seed_parameters", at, row.total_seed_params
    yield "nissa_fossilized_parameters", at, row.fossilized_params
    yield "nissa_host_grad_norm", at, row.host_grad_norm
    yield "nissa_isolation_leakage", at, row.isolation_leakage


def _batch(at: Labels, event: Event[BatchCompleted]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_batch_loss", at, row.loss
    yield "nissa_batch_accuracy_ratio", at, ratio(row.accuracy)
    yield "nissa_batch_host_grad_norm", at, row.host_grad_norm


def _baseline(at: Labels, event: Event[HostBaselineMeasured]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_baseline_initial_accuracy_ratio", at, ratio(row.initial_accuracy)
    yield "nissa_baseline_initial_loss", at, row.initial_loss
    yield "nissa_baseline_final_accuracy_ratio", at, ratio(row.final_accuracy)
    yield "nissa_baseline_final_loss", at, row.final_loss
    yield "nissa_baseline_epochs", at, row.epochs
    yield "nissa_baseline_parameters", at, row.host_params


def _ablation(at: Labels, event: Event[CounterfactualMeasured]) -> Iterator[Sample]:
    yield "nissa_ablation_configurations", at, len(event.payload.results)
    for result in event.payload.results:
        if not any(result.config):
            yield from _configuration("all_off", at, result)
        if all(result.config):
            yield from _configuration("all_on", at, result)


def _configuration(name: str, at: Labels, result: CounterfactualResult) -> Iterator[Sample]:
    yield f"nissa_ablation_{name}_accuracy_ratio", at, ratio(result.val_accuracy)
    yield f"nissa_ablation_{name}_loss", at, result.val_loss


GAUGES: Readings = {
    EpochCompleted: _epoch,
    BatchCompleted: _batch,
    HostBaselineMeasured: _baseline,
    CounterfactualMeasured: _ablation,
}
