"""The numbers of an event that are NaN or infinite: a row for each thing that was measured.

Names are those of alerts, so each must be told by one kind of event only: what is sound in one would end the alert that
another raised.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nissa.events.kinds import (
    ActivationsMeasured,
    BatchCompleted,
    EpochCompleted,
    GradientsMeasured,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.operators.alerts import Finding, non_finite_elements, non_finite_value

__all__ = ["BROKEN", "EPOCH_FIGURES", "GRADIENTS", "Rows", "outputs_of"]

Rows = Iterable[tuple[str, Finding | None]]
"""Subjects, with what was found; None for what is sound."""

EPOCH_FIGURES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
"""Fields of an epoch that are looked at."""


def outputs_of(slot: str) -> str:
    """The subject of an alert about what the isolated seed of a slot puts out."""
    return f"outputs of {slot}"


def _batch(batch: BatchCompleted) -> Rows:
    names = ("loss", "accuracy", "isolation_leakage", "isolation_forward_leakage")
    yield from _figures({name: getattr(batch, name) for name in names})
    for slot, count in batch.seed_non_finite.items():
        yield outputs_of(slot), non_finite_elements(f"values that the isolated seed of {slot} puts out", int(count))


def _norms(batch: BatchCompleted) -> Rows:
    for subject, norm in (("host", batch.host_grad_norm), *batch.seed_grad_norms.items()):
        if norm is not None:
            yield subject, non_finite_value(f"gradient norm of {subject}", float(norm))


def _epoch(epoch: EpochCompleted) -> Rows:
    yield from _figures({name: getattr(epoch, name) for name in EPOCH_FIGURES})


def _gradients(gradients: GradientsMeasured) -> Rows:
    for layer, figures in gradients.layers.items():
        yield layer, non_finite_elements(f"elements of the gradient of {layer}", int(figures.non_finite))


def _activations(activations: ActivationsMeasured) -> Rows:
    for layer, figures in activations.layers.items():
        subject = f"activations of {layer}"
        broken = non_finite_elements(f"values that {layer} puts out", int(figures.non_finite))
        yield subject, broken or non_finite_value(f"standard deviation of {subject}", float(figures.std))


def _weights(weights: WeightsMeasured) -> Rows:
    for layer, figures in weights.layers.items():
        subject = f"weights of {layer}"
        yield subject, non_finite_value(f"norm of the {subject}", float(figures.norm))


def _sharpness(sharpness: SharpnessMeasured) -> Rows:
    yield from _figures(
        {"sharpness": sharpness.sharpness, "sam": sharpness.sam, "loss before perturbations": sharpness.loss}
    )


def _figures(figures: Mapping[str, Any]) -> Rows:
    for name, value in figures.items():
        if value is not None:
            yield name, non_finite_value(name, float(value))


BROKEN: Mapping[type, Callable[[Any], Rows]] = {
    BatchCompleted: _batch,
    EpochCompleted: _epoch,
    ActivationsMeasured: _activations,
    WeightsMeasured: _weights,
    SharpnessMeasured: _sharpness,
}
"""By kind of event, what is broken as soon as it is not finite."""

GRADIENTS: Mapping[type, Callable[[Any], Rows]] = {BatchCompleted: _norms, GradientsMeasured: _gradients}
"""Gradients, which may be those of a step that a scaler leaves out: see `Overflow`."""
