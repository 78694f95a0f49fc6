"""The event of a closed trace; what is in it is smaller than it was, with a bounded number of layers."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, isfinite
from typing import Any, TypeVar

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    BatchCompleted,
    DenseTraceCaptured,
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
from nissa.operators.traces.causes import MAX_CAUSES, causes
from nissa.operators.traces.open_trace import Norms, OpenTrace

__all__ = ["MAX_LAYERS", "dense_trace"]

MAX_LAYERS = 64
"""Layers of one measurement: the broken ones before all others, then the largest gradients, or the most dead units."""

L = TypeVar("L", LayerGradients, LayerActivations)


def dense_trace(trace: OpenTrace, why: str, untraced: int = 0) -> DenseTraceCaptured | None:
    """The trace as an event; None without a batch, which is what it is about. `untraced` are alerts without one."""
    if not (batches := [*trace.before, *trace.after]):
        return None
    gradients = [_gradients(event, trace.is_late(event)) for event in trace.rows["gradients"]]
    activations = [_activations(event, trace.is_late(event)) for event in trace.rows["activations"]]
    shown = sum(len(row.layers) for row in gradients) + sum(len(row.layers) for row in activations)
    before = causes(trace.happened, trace.alert, [event.seq for event in batches]) if trace.alert else []
    left_out = trace.left_out + Counter(causes=len(before[MAX_CAUSES:]), layers=_layers(trace) - shown, traces=untraced)
    return DenseTraceCaptured(
        group=trace.group,
        env=trace.env,
        episode=trace.episode,
        reasons=list(trace.reasons),
        first_epoch=batches[0].scope.epoch,
        last_epoch=batches[-1].scope.epoch,
        batches_before=[_batch(event) for event in trace.before],
        batches_after=[_batch(event) for event in trace.after],
        gradients=gradients,
        norms_before=_norms_by_layer(trace.norms, (name for row in gradients for name in row.layers)),
        activations=activations,
        gates=[_gate(event) for event in trace.rows["gates"]],
        alerts=_alerts(trace.rows["alerts"], batches),
        causes=before[:MAX_CAUSES],
        closed=why,
        left_out=dict(left_out),
    )


def _alerts(alerts: Sequence[Event[Any]], batches: Sequence[Event[BatchCompleted]]) -> list[TracedAlert]:
    """With the place of each among the batches: what is derived has the number of its cause."""
    numbers = [event.seq for event in batches]
    rows = []
    for event in alerts:
        place = bisect_right(numbers, event.seq)
        by_batch = place and numbers[place - 1] == event.seq
        rows.append(_alert(event, batches[place - 1].payload.batch if by_batch else None, place))
    return rows


def _layers(trace: OpenTrace) -> int:
    return sum(len(event.payload.layers) for name in ("gradients", "activations") for event in trace.rows[name])


def _norms_by_layer(measured: Iterable[Norms], layers: Iterable[str]) -> dict[str, list[float]]:
    """What was measured of each layer, oldest first."""
    rows = list(measured)
    return {name: [row.layers[name] for row in rows if name in row.layers] for name in dict.fromkeys(layers)}


def _batch(event: Event[BatchCompleted]) -> TracedBatch:
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
        isolation_forward_leakage=row.isolation_forward_leakage,
        seed_non_finite=row.seed_non_finite,
    )


def _gradients(event: Event[GradientsMeasured], after: bool) -> TracedGradients:
    """A measurement of the gradients, before or after the first alert."""
    layers = {
        name: TracedLayer(
            norm=layer.norm, non_finite=layer.non_finite, vanishing=layer.vanishing, histogram=layer.histogram
        )
        for name, layer in _worst(event.payload.layers, _size).items()
    }
    return TracedGradients(epoch=event.scope.epoch, batch=event.payload.batch, after=after, layers=layers)


def _activations(event: Event[ActivationsMeasured], after: bool) -> TracedActivations:
    """A measurement of the activations, before or after the first alert."""
    layers = {
        name: TracedUnits(
            mean=layer.mean, std=layer.std, dead=layer.dead, dormant=layer.dormant, non_finite=layer.non_finite
        )
        for name, layer in _worst(event.payload.layers, _dead).items()
    }
    return TracedActivations(epoch=event.scope.epoch, after=after, layers=layers)


def _gate(event: Event[GateEvaluated]) -> TracedGate:
    """A gate that was asked."""
    row = event.payload
    return TracedGate(epoch=event.scope.epoch, slot=row.slot, gate=row.gate, passed=row.passed, checks=row.checks)


def _alert(event: Event[AlertRaised], batch: int | None, place: int) -> TracedAlert:
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
