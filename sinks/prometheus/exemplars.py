"""Which trace shows the last rise of a counter? Exemplars of OpenMetrics: `{trace="3"}`, for `nissa trace RUN 3`."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from math import isfinite
from typing import Any

from prometheus_client.samples import Exemplar

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised, DenseTraceCaptured
from nissa.sinks.prometheus.metric import Labels
from nissa.sinks.prometheus.rows import place_of

__all__ = ["TRACED", "Exemplars"]

TRACED = frozenset({AlertRaised, DenseTraceCaptured})
"""Kinds that exemplars follow from."""


class Exemplars:
    """The last exemplar of each series, of series that count. The caller sees to it that one thread is here at a time.

    A trace is told when it has closed: from then on an alert that it names has its number, at the alert's own time.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers: Counter[str] = Counter()
        self._raised: dict[Labels, float] = {}
        self._last: defaultdict[str, dict[Labels, Exemplar]] = defaultdict(dict)

    def take(self, at: Labels, event: Event[Any]) -> None:
        """Take in an alert, or a trace. Traces are numbered by run, in their order, as the log has them."""
        if isinstance(event.payload, AlertRaised):
            self._keep(self._raised, (*at, event.payload.alert, event.payload.severity), event.time)
            return
        run, group, env = place_of(at[0], event.payload)
        self._numbers[run] += 1
        for reason in event.payload.reasons:
            self._mark("nissa_traces_total", (run, group, env, reason), event.time)
        # A policy's alerts are of no environment, though one of its own has the trace.
        for where in dict.fromkeys(((run, group, env), (run, group, ""), (run, "", ""))):
            for alert in event.payload.alerts:
                labels = (*where, alert.alert, alert.severity)
                if (raised := self._raised.pop(labels, None)) is not None:
                    self._mark("nissa_alerts_total", labels, raised)

    def copy(self) -> Mapping[str, Mapping[Labels, Exemplar]]:
        """As they stand now, by metric and labels, for another thread to read."""
        return {name: last.copy() for name, last in self._last.items()}

    def forget(self, run: str) -> None:
        """Give back what belongs to a run."""
        self._numbers.pop(run, None)
        every: list[dict[Labels, Any]] = [self._raised, *self._last.values()]
        for series in every:
            for labels in [labels for labels in series if labels[0] == run]:
                del series[labels]

    def _mark(self, name: str, labels: Labels, time: float) -> None:
        # A scrape would fail on a time that is no number.
        at = time if isfinite(time) else None
        self._keep(self._last[name], labels, Exemplar({"trace": str(self._numbers[labels[0]])}, 1.0, at))

    def _keep(self, series: dict[Labels, Any], labels: Labels, value: Any) -> None:
        if labels in series or len(series) < self._most:
            series[labels] = value
