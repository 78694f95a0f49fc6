"""Can these numbers be trusted? The pipeline's own account, and its sinks."""

from typing import Any

from nissa.grafana.boards.frame import Sections, dashboard
from nissa.grafana.boards.pipeline_details import pipeline_details
from nissa.grafana.panels import ANY, BAD, FINE, LAG, QUEUED, SINK_AGE, growing, lines, numbers, states
from nissa.grafana.promql import PROCESS, Query, held_all, increase, largest, of, rate

__all__ = ["pipeline_board"]

_PROCESS, _NONE = "{{instance}}", "none"
_WHY = "Events: full, too many waited; heavy, they held too many bytes; end, no time was left for them."
_MOST = 8
"""How many kinds of event are shown, of more than fifty."""


def pipeline_board() -> dict[str, Any]:
    """The dashboard "Nissa pipeline"."""
    text = "accepted = delivered + queued + dropped: what telemetry took, lost and cost, and how closely it looks."
    return dashboard("nissa-pipeline", "Nissa pipeline", text, _sections())


def _sections() -> Sections:
    return {
        "Can the numbers be trusted?": _trust(),
        "Events": _events(),
        "Sinks": _sinks(),
        **pipeline_details(),
    }


def _total(title: str, text: str, metric: str) -> Any:
    return numbers(title, text, "short", Query(held_all(f"sum({of(metric)})", PROCESS), ""), limits=ANY)


def _trust() -> list[Any]:
    lost = "Events shed before delivery since the process began; batches go first, events of the life cycle last."
    account = "accepted - delivered - queued - dropped: 0, unless events are lost unseen or a scrape fell between."
    accepted, delivered = of("nissa_pipeline_accepted_total"), of("nissa_pipeline_delivered_total")
    queued, dropped = of("nissa_pipeline_queued_events"), f"sum by (instance) ({of('nissa_pipeline_dropped_total')})"
    missing = (
        f"sum by (instance) ({accepted}) - sum by (instance) ({delivered}) - sum by (instance) ({queued}) - {dropped}"
    )
    return [
        _total("Dropped", lost, "nissa_pipeline_dropped_total"),
        _total("Faults", "Errors caught in the pipeline since the process began.", "nissa_pipeline_faults_total"),
        _total(
            "Given up by sinks",
            "Events put into the dead-letter file since the process began.",
            "nissa_sink_failed_total",
        ),
        _total(
            "Restarts",
            "Times since the process began that the hub's thread died and was started again.",
            "nissa_pipeline_restarts_total",
        ),
        _total(
            "Label sets refused",
            "For want of room, since the process began: their series are missing here.",
            "nissa_label_sets_refused_total",
        ),
        _total(
            "Unreadable in scrapes",
            "Errors since the process began: events that could not be read in a scrape.",
            "nissa_scrape_errors_total",
        ),
        lines("Events unaccounted for", account, "short", Query(missing, _PROCESS), size=(12, 7)),
        growing("Faults by part", "Errors caught.", _faults(), size=(12, 7), limits=ANY),
    ]


def _faults() -> Query:
    return Query(f"sum by (component) ({increase('nissa_pipeline_faults_total')})", "{{component}}")


def _events() -> list[Any]:
    kinds = _kinds(f"sum by (kind) ({rate('nissa_events_total')})")
    rates = [("nissa_pipeline_accepted_total", "accepted"), ("nissa_pipeline_delivered_total", "delivered")]
    both = [Query(f"sum by (instance) ({rate(metric)})", f"{name} {_PROCESS}") for metric, name in rates]
    shed = _kinds(f"sum by (kind) ({increase('nissa_pipeline_dropped_total')})")
    late = Query(f"sum by (instance) ({increase('nissa_pipeline_refused_total')})", _PROCESS)
    why = Query(f"sum by (reason) ({increase('nissa_pipeline_reasons_total')})", "{{reason}}")
    waiting = Query(of("nissa_pipeline_queued_events"), _PROCESS)
    dropped = "Events, the eight kinds of which most were dropped."
    most = "In a second, the eight kinds of which there were most."
    lag = "Age of the event delivered last, when it was delivered."
    return [
        lines("Events by kind", most, "cps", kinds, style="stacked"),
        lines("Accepted and delivered", "In a second; apart for long, events are lost or wait.", "cps", *both),
        lines("Lag", lag, "s", Query(of("nissa_pipeline_lag_seconds"), _PROCESS), limits=LAG),
        lines("Waiting for delivery", "Events in the hub's buffer.", "short", waiting, limits=QUEUED),
        growing("Dropped by kind", dropped, shed, size=(8, 8), limits=ANY).no_value(_NONE),
        growing("Reasons before delivery", _WHY, why, size=(8, 8), limits=ANY).no_value(_NONE),
        growing("Emitted after the end", "Events refused, because their run had ended.", late, size=(8, 8)),
    ]


def _kinds(expr: str) -> Query:
    return Query(largest(_MOST, expr), "{{kind}}")


def _sinks() -> list[Any]:
    up = Query(f"min by (instance, sink) ({of('nissa_sink_up')})", "{{sink}} {{instance}}")
    named = {0: ("resting", BAD), 1: ("taking", FINE)}
    shed = largest(_MOST, f"sum by (sink, kind) ({increase('nissa_sink_dropped_total')})")
    written, waiting = rate("nissa_sink_written_total"), of("nissa_sink_queued_events")
    given_up, retried = increase("nissa_sink_failed_total"), increase("nissa_sink_retries_total")
    most = "Events, the eight kinds of which most were shed."
    late = "Age of the oldest event that the sink has not written. It rises while a sink hangs, which raises nothing."
    oldest = Query(f"max by (sink) ({of('nissa_sink_oldest_seconds')})", "{{sink}}")
    why = Query(f"sum by (sink, reason) ({increase('nissa_sink_reasons_total')})", "{{reason}} {{sink}}")
    return [
        states("Sinks", "Whether the sink's circuit breaker is closed.", "none", up, names=named, size=(24, 5)),
        lines("Written", "Events that the sink took, in a second.", "cps", _by_sink(written), size=(8, 8)),
        lines("Waiting for the sink", "Events in its queue.", "short", _by_sink(waiting), size=(8, 8), limits=QUEUED),
        growing("Given up", "Events given up after retries.", _by_sink(given_up), size=(8, 8), limits=ANY),
        growing("Tried again", "Attempts that raised and were tried again.", _by_sink(retried)),
        growing("Shed by sinks", most, Query(shed, "{{kind}} {{sink}}"), limits=ANY).no_value(_NONE),
        lines("Behind", late, "s", oldest, limits=SINK_AGE),
        growing("Reasons of sinks", _WHY, why, limits=ANY).no_value(_NONE),
    ]


def _by_sink(expr: str) -> Query:
    return Query(f"sum by (sink) ({expr})", "{{sink}}")
