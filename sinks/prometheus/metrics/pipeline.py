"""Can I trust these numbers? The pipeline's own metrics: what it took, lost and got wrong, and how its sinks do.

They bear no run: they are the process's, and stay when its runs have left.
"""

from nissa.events.kinds import KINDS, PipelineState, SinkState
from nissa.sinks.prometheus.lifetimes import at_scrape
from nissa.sinks.prometheus.metric import Labels, counter, gauge
from nissa.sinks.prometheus.rows import Row
from nissa.sinks.prometheus.snapshot import ScrapeAccount, Snapshot

__all__ = ["NOTHING_YET", "TABLES"]

NOTHING_YET = PipelineState(
    accepted=0, delivered=0, queued=0, dropped={}, refused=0, faults={}, restarts=0, lag=0.0, sinks=[]
)
_COMPONENTS = ("dispatcher", "emit", "hub")
"""Components that every pipeline has; that an alert sees the first error, they are there from the start."""
_REASONS = ("full", "heavy", "end")
"""Why events are shed: too many wait, they hold too many bytes, or no time is left for them."""


def _kinds(_: Labels, known: Snapshot) -> list[Row]:
    """Events by kind. Kinds of a newer writer, of which there may be any number, are "unknown" together."""
    by_name = dict.fromkeys([*KINDS, "unknown"], 0)
    for kind, count in known.kinds.items():
        name = getattr(kind, "kind", None)
        name = name if isinstance(name, str) else "unknown"
        by_name[name] = by_name.get(name, 0) + count
    return [((name,), count) for name, count in by_name.items()]


def _dropped(at: Labels, state: PipelineState | SinkState) -> list[Row]:
    return [((*at, kind), state.dropped.get(kind, 0)) for kind in {**KINDS, **state.dropped}]


def _reasons(at: Labels, state: PipelineState | SinkState) -> list[Row]:
    return [((*at, reason), state.reasons.get(reason, 0)) for reason in {**dict.fromkeys(_REASONS), **state.reasons}]


def _faults(_: Labels, state: PipelineState) -> list[Row]:
    components = (*_COMPONENTS, *(sink.sink for sink in state.sinks), *state.faults)
    return [((component,), state.faults.get(component, 0)) for component in components]


def _sinks(_: Labels, state: PipelineState) -> list[Row]:
    return [((sink.sink,), sink) for sink in state.sinks]


def _dropped_by_sinks(_: Labels, state: PipelineState) -> list[Row]:
    return [row for sink in state.sinks for row in _dropped((sink.sink,), sink)]


def _reasons_of_sinks(_: Labels, state: PipelineState) -> list[Row]:
    return [row for sink in state.sinks for row in _reasons((sink.sink,), sink)]


TABLES = (
    at_scrape(PipelineState, ())(
        nissa_pipeline_accepted_total=counter(
            "events", "Events emitted: those delivered, queued and dropped.", "accepted"
        ),
        nissa_pipeline_delivered_total=counter("events", "Events that operators and sinks were given.", "delivered"),
        nissa_pipeline_refused_total=counter(
            "events", "Events emitted after the end of the run; they are not accepted.", "refused"
        ),
        nissa_pipeline_restarts_total=counter(
            "restarts", "Times that the hub's thread died and was started again.", "restarts"
        ),
    ),
    at_scrape(ScrapeAccount, ())(
        nissa_label_sets_refused_total=counter(
            "label sets", "Label sets left out for want of room, each time one came up.", "refused"
        ),
        nissa_scrapes_total=counter("scrapes", "Scrapes gathered before this one.", "scrapes"),
        nissa_scrape_errors_total=counter(
            "errors", "Values and events that could not be read, in each of those scrapes or when they came.", "errors"
        ),
        nissa_scrape_seconds_total=counter(
            "seconds", "Time that gathering the samples of those scrapes took.", "seconds"
        ),
    ),
    at_scrape(PipelineState, ())(
        nissa_pipeline_queued_events=gauge("events", "Events between emission and delivery.", "queued"),
        nissa_pipeline_lag_seconds=gauge("seconds", "Age of the event delivered last, when it was delivered.", "lag"),
        nissa_fidelity_delay_seconds=gauge(
            "seconds", "From the event that changed fidelity last to the trainer's knowing.", "fidelity_delay"
        ),
        nissa_fidelity_delay_max_seconds=gauge(
            "seconds", "The longest time that a change of fidelity took.", "fidelity_delay_max"
        ),
    ),
    at_scrape(Snapshot, ("kind",), rows=_kinds)(
        nissa_events_total=counter("events", "Events that this sink was given, by kind.", float),
    ),
    at_scrape(PipelineState, ("kind",), rows=_dropped)(
        nissa_pipeline_dropped_total=counter("events", "Events shed before delivery.", float),
    ),
    at_scrape(PipelineState, ("reason",), rows=_reasons)(
        nissa_pipeline_reasons_total=counter("events", "The events shed before delivery, by reason.", float),
    ),
    at_scrape(PipelineState, ("component",), rows=_faults)(
        nissa_pipeline_faults_total=counter("errors", "Errors caught in the pipeline.", float),
    ),
    at_scrape(PipelineState, ("sink",), rows=_sinks)(
        nissa_sink_written_total=counter("events", "Events that the sink wrote.", "written"),
        nissa_sink_failed_total=counter(
            "events", "Events given up after retries, or taken by the sink and never written.", "failed"
        ),
        nissa_sink_retries_total=counter("attempts", "Attempts that raised and were tried again.", "retries"),
        nissa_sink_queued_events=gauge(
            "events", "Events that wait for the sink, or that it has not written yet.", "queued"
        ),
        nissa_sink_oldest_seconds=gauge(
            "seconds", "Age of the oldest event that the sink has not written, since that was emitted.", "oldest"
        ),
        nissa_sink_up=gauge(
            "1",
            "1 while the sink's circuit breaker is closed, 0 while it rests or tries again.",
            lambda sink: sink.breaker == "closed",
        ),
    ),
    at_scrape(PipelineState, ("sink", "kind"), rows=_dropped_by_sinks)(
        nissa_sink_dropped_total=counter("events", "Events shed from a sink's queue.", float),
    ),
    at_scrape(PipelineState, ("sink", "reason"), rows=_reasons_of_sinks)(
        nissa_sink_reasons_total=counter("events", "The events shed from a sink's queue, by reason.", float),
    ),
)
