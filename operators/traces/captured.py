"""How does a trace look that is closed? One event, with what was left out of it for want of room."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import BatchCompleted, DenseTraceCaptured, TracedAlert
from nissa.operators.traces.nearby import norms_by_layer
from nissa.operators.traces.open_trace import Capture
from nissa.operators.traces.trace_event import (
    traced_activations,
    traced_alert,
    traced_batch,
    traced_gate,
    traced_gradients,
)

__all__ = ["captured"]


def captured(trace: Capture, why: str, untraced: int = 0) -> DenseTraceCaptured | None:
    """The trace as an event; None without a batch, which is what it is about. `untraced` are alerts without one."""
    if not (batches := [*trace.before, *trace.after]):
        return None
    gradients = [traced_gradients(event, trace.is_late(event)) for event in trace.rows["gradients"]]
    activations = [traced_activations(event, trace.is_late(event)) for event in trace.rows["activations"]]
    told = sum(len(row.layers) for row in gradients) + sum(len(row.layers) for row in activations)
    left_out = trace.left_out + Counter(layers=_layers(trace) - told, traces=untraced)
    return DenseTraceCaptured(
        group=trace.group,
        env=trace.env,
        episode=trace.episode,
        reasons=list(trace.reasons),
        first_epoch=batches[0].scope.epoch,
        last_epoch=batches[-1].scope.epoch,
        batches_before=[traced_batch(event) for event in trace.before],
        batches_after=[traced_batch(event) for event in trace.after],
        gradients=gradients,
        norms_before=norms_by_layer(trace.norms, (name for row in gradients for name in row.layers)),
        activations=activations,
        gates=[traced_gate(event) for event in trace.rows["gates"]],
        alerts=_alerts(trace.rows["alerts"], batches),
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
        rows.append(traced_alert(event, batches[place - 1].payload.batch if by_batch else None, place))
    return rows


def _layers(trace: Capture) -> int:
    return sum(len(event.payload.layers) for name in ("gradients", "activations") for event in trace.rows[name])
