"""Can these numbers be trusted? The pipeline's own account, and its sinks."""

from typing import Any

from nissa.grafana.frame import Sections, dashboard
from nissa.grafana.palette import BAD, FINE
from nissa.grafana.panels import bars, lines, numbers, states
from nissa.grafana.queries import Query, increase, of, rate
from nissa.grafana.thresholds import ANY, LAG, QUEUED, SINK_UP
from nissa.grafana.upkeep import upkeep

__all__ = ["pipeline"]

_PROCESS = "{{instance}}"


def pipeline() -> dict[str, Any]:
    """The dashboard "Nissa pipeline"."""
    text = "accepted = delivered + queued + dropped: what telemetry took, lost and cost, and how closely it looks."
    return dashboard("nissa-pipeline", "Nissa pipeline", text, _sections())


def _sections() -> Sections:
    return {
        "Can the numbers be trusted?": _trust(),
        "Events": _events(),
        "Sinks": _sinks(),
        **upkeep(),
    }


def _total(title: str, text: str, metric: str) -> Any:
    return numbers(title, text, "short", Query(f"sum({of(metric)})", ""), limits=ANY)


def _trust() -> list[Any]:
    lost = "Events shed before delivery since the start; batches go first, events of the life cycle last."
    account = "accepted - delivered - queued - dropped: 0, unless events are lost unseen or a scrape fell between."
    accepted, delivered = of("nissa_pipeline_accepted_total"), of("nissa_pipeline_delivered_total")
    queued, dropped = of("nissa_pipeline_queued_events"), f"sum by (instance) ({of('nissa_pipeline_dropped_total')})"
    missing = (
        f"sum by (instance) ({accepted}) - sum by (instance) ({delivered}) - sum by (instance) ({queued}) - {dropped}"
    )
    return [
        _total("Dropped", lost, "nissa_pipeline_dropped_total"),
        _total("Faults", "Errors caught in the pipeline since the start.", "nissa_pipeline_faults_total"),
        _total("Given up by sinks", "Events in the dead-letter file since the start.", "nissa_sink_failed_total"),
        _total("Restarts", "Times that the hub's thread died and was started again.", "nissa_pipeline_restarts_total"),
        _total(
            "Label sets refused", "For want of room: their series are missing here.", "nissa_label_sets_refused_total"
        ),
        _total(
            "Unreadable in scrapes",
            "Events that could not be read while scrapes were gathered.",
            "nissa_scrape_errors_total",
        ),
        lines("Account", account, "short", Query(missing, _PROCESS), size=(12, 7)),
        lines(
            "Faults by part",
            "Errors caught in the time of a point.",
            "short",
            *_faults(),
            size=(12, 7),
            style="stacked",
        ),
    ]


def _faults() -> list[Query]:
    return [Query(f"sum by (component) ({increase('nissa_pipeline_faults_total')})", "{{component}}")]


def _events() -> list[Any]:
    kinds = Query(f"sum by (kind) ({rate('nissa_events_total')})", "{{kind}}")
    rates = [("nissa_pipeline_accepted_total", "accepted"), ("nissa_pipeline_delivered_total", "delivered")]
    both = [Query(f"sum by (instance) ({rate(metric)})", f"{_PROCESS} {name}") for metric, name in rates]
    shed = Query(f"sum by (kind) ({increase('nissa_pipeline_dropped_total')})", "{{kind}}")
    late = Query(f"sum by (instance) ({increase('nissa_pipeline_refused_total')})", _PROCESS)
    waiting = Query(of("nissa_pipeline_queued_events"), _PROCESS)
    lag = "Age of the event delivered last, when it was delivered."
    return [
        lines("Events by kind", "In a second.", "cps", kinds, style="stacked"),
        lines("Accepted and delivered", "In a second; apart for long, events are lost or wait.", "cps", *both),
        lines("Lag", lag, "s", Query(of("nissa_pipeline_lag_seconds"), _PROCESS), size=(8, 8), limits=LAG),
        lines("Waiting for delivery", "Events in the hub's buffer.", "short", waiting, size=(8, 8), limits=QUEUED),
        lines("Dropped by kind", "In the time of a point.", "short", shed, size=(8, 8), style="stacked"),
        lines("Emitted after the end", "Events refused because their run had ended.", "short", late, size=(24, 6)),
    ]


def _sinks() -> list[Any]:
    up = Query(f"min by (instance, sink) ({of('nissa_sink_up')})", "{{instance}} {{sink}}")
    named = {0: ("resting", BAD), 1: ("taking", FINE)}
    shed = Query(f"sum by (sink, kind) ({increase('nissa_sink_dropped_total')})", "{{sink}} {{kind}}")
    return [
        states("Sinks", "Whether the sink's circuit breaker is closed.", "none", up, names=named, size=(24, 6)),
        bars("Sinks that take events", "1 while it does, 0 while it rests.", "none", up, size=(8, 8), limits=SINK_UP),
        _by_sink("Written", "Events that the sink took, in a second.", rate("nissa_sink_written_total"), "cps"),
        lines(
            "Waiting for the sink",
            "Events in its queue.",
            "short",
            Query(f"sum by (sink) ({of('nissa_sink_queued_events')})", "{{sink}}"),
            size=(8, 8),
            limits=QUEUED,
        ),
        _by_sink(
            "Given up", "Events given up after retries, in the time of a point.", increase("nissa_sink_failed_total")
        ),
        _by_sink("Tried again", "Attempts that raised and were tried again.", increase("nissa_sink_retries_total")),
        lines("Shed by sinks", "Events, in the time of a point.", "short", shed, size=(8, 8), style="stacked"),
    ]


def _by_sink(title: str, text: str, expr: str, unit: str = "short") -> Any:
    return lines(title, text, unit, Query(f"sum by (sink) ({expr})", "{{sink}}"), size=(8, 8))
