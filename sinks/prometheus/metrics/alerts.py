"""What did the pipeline notice, does it look closely, and why? Alerts by name and severity, fidelity, dense traces."""

from collections.abc import Iterable, Mapping

from nissa.events.event import Event
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    DenseTraceCaptured,
    EpisodeStarted,
    EpochCompleted,
    FidelityChanged,
    OverheadGoverned,
    PolicyUpdated,
    RanksCompared,
    TrendChanged,
)
from nissa.events.vocabulary import ALERT_NAMES, ENV_ALERTS, POLICY_ALERTS, RANK_ALERTS, Alert
from nissa.sinks.prometheus.lifetimes import added, at_scrape, shared
from nissa.sinks.prometheus.metric import ENV, RUN, Labels, counter, gauge
from nissa.sinks.prometheus.rows import Row, Rows, by, listed, place_of
from nissa.sinks.prometheus.snapshot import Snapshot

__all__ = ["TABLES"]


def _resolved(at: Labels, event: Event[AlertResolved]) -> list[Row]:
    """It may be told at the run's end: it counts where it was raised."""
    row = event.payload
    return [((*place_of(at[0], row), row.alert, row.severity), row)]


def _known(alerts: Iterable[Alert]) -> Rows:
    def rows(at: Labels, _: Event[EpisodeStarted | PolicyUpdated | RanksCompared]) -> list[Row]:
        return [((*at, *alert), None) for alert in alerts]

    return rows


def _active(_: Labels, known: Snapshot) -> list[Row]:
    """Alerts raised less those resolved, over all severities."""
    active: dict[Labels, float] = {}
    for name, sign in (("nissa_alerts_total", 1), ("nissa_alerts_resolved_total", -1)):
        for labels, value in known.totals[name].items():
            assert not isinstance(value, tuple)
            active[labels[:-1]] = active.get(labels[:-1], 0) + sign * value
    return [*active.items()]


def _traced(at: Labels, event: Event[DenseTraceCaptured]) -> list[Row]:
    where = place_of(at[0], event.payload)
    return [((*where, alert), event.payload) for alert in event.payload.reasons]


def _fidelity(_: Labels, known: Snapshot) -> list[Row]:
    """Whether each run is dense, and its dense epochs: what was trained since it became so counts too."""
    epochs: dict[str, int] = {}
    changes: dict[str, FidelityChanged] = {}
    for place in known.places:
        run = place.at[0]
        epochs[run] = epochs.get(run, 0) + place.counts.get(EpochCompleted, 0)
        if change := place.latest.get(FidelityChanged):
            changes[run] = change.payload
    return [((run,), _dense(trained, changes.get(run))) for run, trained in epochs.items()]


def _dense(trained: int, change: FidelityChanged | None) -> tuple[bool, int]:
    if change is None:
        return False, 0
    dense = change.level == "dense"
    return dense, change.dense_epochs + (max(0, trained - change.epochs) if dense else 0)


_TRENDS = ("plateau", "improvement", "degradation")
_ALERT: Labels = (*ENV, "alert", "severity")
_FIRST: Mapping[type, Rows] = {
    EpisodeStarted: _known(ENV_ALERTS),
    PolicyUpdated: _known(POLICY_ALERTS),
    RanksCompared: _known(RANK_ALERTS),
}

TABLES = (
    added(AlertRaised, _ALERT, rows=by("alert", "severity"), zeros={**_FIRST, AlertResolved: _resolved})(
        nissa_alerts_total=counter("alerts", "Alerts raised, by name; severity info is a mark, and no fault."),
    ),
    added(AlertResolved, _ALERT, rows=_resolved, zeros={**_FIRST, AlertRaised: by("alert", "severity")})(
        nissa_alerts_resolved_total=counter("alerts", "Alerts resolved, by name."),
    ),
    at_scrape(Snapshot, (*ENV, "alert"), rows=_active)(
        nissa_alert_active=gauge("alerts", "Alerts that stand now, by name.", float),
    ),
    added(TrendChanged, (*ENV, "trend"), rows=by("trend"), zeros={EpisodeStarted: listed(_TRENDS)})(
        nissa_trends_total=counter("changes", "Changes of direction, by the new one."),
    ),
    # It has no metrics of its own: those below are worked out of the last change of each run.
    shared(FidelityChanged, RUN)(),
    at_scrape(Snapshot, RUN, rows=_fidelity)(
        nissa_fidelity_level=gauge(
            "1", "1 while probes are to look closely, 0 while they look as configured.", lambda run: run[0]
        ),
        nissa_dense_epochs_total=counter(
            "epochs", "Host epochs completed while probes were to look closely.", lambda run: run[1]
        ),
    ),
    shared(OverheadGoverned, RUN)(
        nissa_looks_taken_ratio=gauge(
            "ratio",
            "Share of the looks due that probes take; absent until it changes.",
            lambda change: 1 / change.one_in,
        ),
        nissa_overhead_target_ratio=gauge(
            "ratio", "CPU of telemetry by that of the training that was asked for.", "target"
        ),
    ),
    added(DenseTraceCaptured, (*ENV, "alert"), rows=_traced, zeros={EpisodeStarted: listed(ALERT_NAMES)})(
        nissa_traces_total=counter("traces", "Dense traces that closed, once for each alert that asked for one."),
    ),
)
