"""Can I trust these numbers? The pipeline's own metrics: what it took, lost and got wrong, and how its sinks do.

They bear no run: they are the process's, and stay when its runs have left.
"""

from collections.abc import Iterator

from nissa.events.kinds import KINDS, PipelineState, SinkState
from nissa.sinks.prometheus.metric import Rows, Sample, metrics

__all__ = ["METRICS", "NOTHING_YET", "account"]

_COUNTS: Rows = {
    "nissa_pipeline_accepted_total": ("events", "Events emitted: those delivered, queued and dropped."),
    "nissa_pipeline_delivered_total": ("events", "Events that operators and sinks were given."),
    "nissa_pipeline_refused_total": ("events", "Events emitted after the end of the run; they are not accepted."),
    "nissa_pipeline_restarts_total": ("restarts", "Times that the hub's thread died and was started again."),
    "nissa_label_sets_refused_total": ("label sets", "Label sets left out for want of room, each time one came up."),
    "nissa_scrapes_total": ("scrapes", "Scrapes gathered before this one."),
    "nissa_scrape_errors_total": ("errors", "Events that could not be read in those scrapes, each time."),
    "nissa_scrape_seconds_total": ("seconds", "Time that gathering the samples of those scrapes took."),
}
_GAUGES: Rows = {
    "nissa_pipeline_queued_events": ("events", "Events between emission and delivery."),
    "nissa_pipeline_lag_seconds": ("seconds", "Age of the event delivered last, when it was delivered."),
    "nissa_fidelity_delay_seconds": (
        "seconds",
        "From the event that changed fidelity last to the trainer's knowing.",
    ),
    "nissa_fidelity_delay_max_seconds": ("seconds", "The longest time that a change of fidelity took."),
}
_SINK_COUNTS: Rows = {
    "nissa_sink_written_total": ("events", "Events that the sink took."),
    "nissa_sink_failed_total": ("events", "Events given up after retries; each is in the dead-letter file."),
    "nissa_sink_retries_total": ("attempts", "Attempts that raised and were tried again."),
}
_SINK_GAUGES: Rows = {
    "nissa_sink_queued_events": ("events", "Events that wait for the sink."),
    "nissa_sink_up": ("1", "1 while the sink's circuit breaker is closed, 0 while it rests or tries again."),
}

METRICS = (
    *metrics("counter", (), _COUNTS),
    *metrics("gauge", (), _GAUGES),
    *metrics("counter", ("kind",), {"nissa_events_total": ("events", "Events that this sink was given, by kind.")}),
    *metrics("counter", ("kind",), {"nissa_pipeline_dropped_total": ("events", "Events shed before delivery.")}),
    *metrics("counter", ("component",), {"nissa_pipeline_faults_total": ("errors", "Errors caught in the pipeline.")}),
    *metrics("counter", ("sink",), _SINK_COUNTS),
    *metrics("gauge", ("sink",), _SINK_GAUGES),
    *metrics("counter", ("sink", "kind"), {"nissa_sink_dropped_total": ("events", "Events shed from a sink's queue.")}),
)

NOTHING_YET = PipelineState(
    accepted=0, delivered=0, queued=0, dropped={}, refused=0, faults={}, restarts=0, lag=0.0, sinks=[]
)
_COMPONENTS = ("dispatcher", "emit", "hub")
"""Components that every pipeline has; that an alert sees the first error, they are there from the start."""


def account(state: PipelineState) -> Iterator[Sample]:
    """What the pipeline says of itself."""
    yield "nissa_pipeline_accepted_total", (), state.accepted
    yield "nissa_pipeline_delivered_total", (), state.delivered
    yield "nissa_pipeline_refused_total", (), state.refused
    yield "nissa_pipeline_restarts_total", (), state.restarts
    yield "nissa_pipeline_queued_events", (), state.queued
    yield "nissa_pipeline_lag_seconds", (), state.lag
    yield "nissa_fidelity_delay_seconds", (), state.fidelity_delay
    yield "nissa_fidelity_delay_max_seconds", (), state.fidelity_delay_max
    for kind in {**KINDS, **state.dropped}:
        yield "nissa_pipeline_dropped_total", (kind,), state.dropped.get(kind, 0)
    for component in (*_COMPONENTS, *(sink.sink for sink in state.sinks), *state.faults):
        yield "nissa_pipeline_faults_total", (component,), state.faults.get(component, 0)
    for sink in state.sinks:
        yield from _sink(sink)


def _sink(state: SinkState) -> Iterator[Sample]:
    name = (state.sink,)
    yield "nissa_sink_written_total", name, state.written
    yield "nissa_sink_failed_total", name, state.failed
    yield "nissa_sink_retries_total", name, state.retries
    yield "nissa_sink_queued_events", name, state.queued
    yield "nissa_sink_up", name, state.breaker == "closed"
    for kind in {**KINDS, **state.dropped}:
        yield "nissa_sink_dropped_total", (state.sink, kind), state.dropped.get(kind, 0)
