"""What did the pipeline notice, and what of it stands? Alerts by name and severity."""

from collections.abc import Iterator, Mapping
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised, AlertResolved, EpisodeStarted, PolicyUpdated, TrendChanged
from nissa.events.vocabulary import ENV_ALERTS, POLICY_ALERTS
from nissa.sinks.prometheus.metric import ENV, Labels, Readings, Rows, Sample, Value, metrics

__all__ = ["COUNTS", "METRICS", "standing"]

_COUNTS: Rows = {
    "nissa_alerts_total": ("alerts", "Alerts raised, by name; severity info is a mark, and no fault."),
    "nissa_alerts_resolved_total": ("alerts", "Alerts resolved, by name."),
}

METRICS = (
    *metrics("counter", (*ENV, "alert", "severity"), _COUNTS),
    *metrics("gauge", (*ENV, "alert"), {"nissa_alert_active": ("alerts", "Alerts that stand now, by name.")}),
    *metrics("counter", (*ENV, "trend"), {"nissa_trends_total": ("changes", "Changes of direction, by the new one.")}),
)


def standing(totals: Mapping[str, Mapping[Labels, Value]]) -> Iterator[Sample]:
    """Alerts raised less those resolved, over all severities."""
    active: dict[Labels, float] = {}
    for name, sign in (("nissa_alerts_total", 1), ("nissa_alerts_resolved_total", -1)):
        for labels, value in totals.get(name, {}).items():
            assert not isinstance(value, tuple)
            active[labels[:-1]] = active.get(labels[:-1], 0) + sign * value
    for labels, value in active.items():
        yield "nissa_alert_active", labels, value


def _raised(at: Labels, event: Event[AlertRaised]) -> Iterator[Sample]:
    yield from _count((*at, event.payload.alert, event.payload.severity), 1, 0)


def _resolved(at: Labels, event: Event[AlertResolved]) -> Iterator[Sample]:
    """It may be told at the run's end: it counts where it was raised."""
    row = event.payload
    where = (at[0], row.group or "", "" if row.env is None else str(row.env))
    yield from _count((*where, row.alert, row.severity), 0, 1)


def _count(labels: Labels, raised: int, resolved: int) -> Iterator[Sample]:
    yield "nissa_alerts_total", labels, raised
    yield "nissa_alerts_resolved_total", labels, resolved


def _known(at: Labels, event: Event[Any]) -> Iterator[Sample]:
    for alert in POLICY_ALERTS if isinstance(event.payload, PolicyUpdated) else ENV_ALERTS:
        yield from _count((*at, *alert), 0, 0)


def _turned(at: Labels, event: Event[TrendChanged]) -> Iterator[Sample]:
    yield "nissa_trends_total", (*at, event.payload.trend), 1


COUNTS: Readings = {
    AlertRaised: _raised,
    AlertResolved: _resolved,
    EpisodeStarted: _known,
    PolicyUpdated: _known,
    TrendChanged: _turned,
}
