"""How does an event look inside a dense trace? Smaller, with its epoch, and with a bounded number of layers."""

from collections.abc import Callable, Mapping
from math import inf, isfinite
from typing import TypeVar

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    BatchCompleted,
    GateEvaluated,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    TracedActivations,
    TracedAlert,
    TracedBatch,
    TracedGate,
    TracedGradients,
    TracedLayer,
    TracedUnits,
)

__all__ = [
    "MAX_LAYERS",
    "traced_activations",
    "traced_alert",
    "traced_batch",
    "traced_gate",
    "traced_gradients",
]

MAX_LAYERS = 64
"""Layers of one measurement: the broken ones before all others, then the largest gradients, or the most dead units."""

L = TypeVar("L", LayerGradients, LayerActivations)


def traced_batch(event: Event[BatchCompleted]) -> TracedBatch:
    """A batch."""
    row = event.payload
    return TracedBatch(
        epoch=event.scope.epoch,
        batch=row.batch,
        loss=row.loss,
        accuracy=row.accuracy,
        host_grad_norm=row.host_grad_norm,
        seed_grad_norms=row.seed_grad_norms,
        isolation_leakage=row.isolation_leakage,
    )


def traced_gradients(event: Event[GradientsMeasured], after: bool) -> TracedGradients:
    """A measurement of the gradients, before or after the first alert."""
    layers = {
        name: TracedLayer(
            norm=layer.norm, non_finite=layer.non_finite, vanishing=layer.vanishing, histogram=layer.histogram
        )
        for name, layer in _worst(event.payload.layers, _size).items()
    }
    return TracedGradients(epoch=event.scope.epoch, batch=event.payload.batch, after=after, layers=layers)


def traced_activations(event: Event[ActivationsMeasured], after: bool) -> TracedActivations:
    """A measurement of the activations, before or after the first alert."""
    layers = {
        name: TracedUnits(
            mean=layer.mean, std=layer.std, dead=layer.dead, dormant=layer.dormant, non_finite=layer.non_finite
        )
        for name, layer in _worst(event.payload.layers, _dead).items()
    }
    return TracedActivations(epoch=event.scope.epoch, after=after, layers=layers)


def traced_gate(event: Event[GateEvaluated]) -> TracedGate:
    """A gate that was asked."""
    row = event.payload
    return TracedGate(epoch=event.scope.epoch, slot=row.slot, gate=row.gate, passed=row.passed, checks=row.checks)


def traced_alert(event: Event[AlertRaised], batch: int | None, place: int) -> TracedAlert:
    """An alert, the batch that raised it, and how many batches of the trace there were by then."""
    row = event.payload
    return TracedAlert(
        alert=row.alert,
        severity=row.severity,
        subject=row.subject,
        epoch=event.scope.epoch,
        batch=batch,
        place=place,
        value=row.value,
        baseline=row.baseline,
        threshold=row.threshold,
        clause=row.clause,
        what=row.what,
    )


def _worst(layers: Mapping[str, L], badness: Callable[[L], float]) -> Mapping[str, L]:
    """The layers that there is room for, in their own order."""
    if len(layers) <= MAX_LAYERS:
        return layers
    kept = set(sorted(layers, key=lambda name: badness(layers[name]), reverse=True)[:MAX_LAYERS])
    return {name: layer for name, layer in layers.items() if name in kept}


def _size(layer: LayerGradients) -> float:
    norm = layer.norm or 0.0
    return norm if isfinite(norm) and not layer.non_finite else inf


def _dead(layer: LayerActivations) -> float:
    return inf if layer.non_finite else (layer.dead or 0) / max(1, layer.units)
