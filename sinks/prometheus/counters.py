"""What only ever grows: counters and histograms, added up event by event, within a budget of label sets.

Prometheus sees no birth of a series, so a counter begins at 0 in every environment as soon as its labels are known.
"""

from bisect import bisect_left
from math import inf
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import EpisodeStarted, RunStarted
from nissa.sinks.prometheus.catalog import METRICS, ZEROS
from nissa.sinks.prometheus.lifetimes import Start
from nissa.sinks.prometheus.metric import ENV, Labels
from nissa.sinks.prometheus.metrics import TABLES
from nissa.sinks.prometheus.snapshot import Value

__all__ = ["MAX_LABEL_SETS", "Counters", "ZeroSeries"]

MAX_LABEL_SETS = 2_000
"""Label sets of one metric; further ones are refused, and counted, so that neither memory nor a scrape can explode."""

_ZERO: dict[str, Value] = {
    metric.name: (0,) * (len(metric.buckets) + 2) if metric.type == "histogram" else 0
    for metric in METRICS.values()
    if metric.type != "gauge"
}
_DIVIDED = {
    metric.name
    for table in TABLES
    for metric in table.metrics
    if metric.type == "counter" and metric.labels[:3] == ENV and len(metric.labels) > 3 and table.zeros
}
"""Counters of an environment by something else: by blueprint, initiator, gate, head.

A table without zeros counts what only some tell, such as what a heuristic would have done: nobody begins it for others.
"""


class Counters:
    """The counters and histograms by name and labels. The caller sees to it that one thread is here at a time."""

    def __init__(self) -> None:
        self.refused = 0
        """Amounts left out because their label set was new and there was no room."""
        self._series: dict[str, dict[Labels, Value]] = {name: {} for name in _ZERO}

    def add(self, name: str, labels: Labels, amount: float | None) -> bool:
        """Add to a counter, or observe in a histogram; whether that made a series.

        One NaN would end a counter for good: it is left out. Raises OverflowError on a whole number too large for it.
        """
        if amount is None or not 0 <= (amount := float(amount)) < inf:
            return False
        series = self._series[name]
        before = series.get(labels)
        if before is None and len(series) >= MAX_LABEL_SETS:
            self.refused += 1
            return False
        value = _ZERO[name] if before is None else before
        series[labels] = _observe(name, value, amount) if isinstance(value, tuple) else value + amount
        return before is None

    def begin(self, name: str, labels: Labels) -> bool:
        """Let a series begin at 0; whether that made it. Zeros take half of the room at most."""
        series = self._series[name]
        if labels in series or len(series) >= MAX_LABEL_SETS // 2:
            return False
        series[labels] = _ZERO[name]
        return True

    def copy(self) -> dict[str, dict[Labels, Value]]:
        """As it stands now, for another thread to read."""
        return {name: series.copy() for name, series in self._series.items()}

    def forget(self, run: str) -> None:
        """Give back what belongs to a run."""
        for name, series in self._series.items():
            if METRICS[name].labels[:1] == ("run",):
                self._series[name] = {labels: value for labels, value in series.items() if labels[0] != run}


class ZeroSeries:
    """Which series the environments of each run begin with: what one of them counts, the others may come to count.

    Environments are those of which an episode was told to start. The caller sees to it that one thread is here.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._environments: dict[str, dict[Labels, None]] = {}
        self._expected: dict[str, dict[tuple[str, Labels], None]] = {}
        self.follow(Start, (), None)

    def follow(self, kind: type, at: Labels, event: Event[Any] | None) -> None:
        """Begin what an event makes known: at the same values of run, group and env, or in the whole run."""
        for table, rows in ZEROS[kind]:
            for labels, _ in rows(() if kind is RunStarted else at[: table.depth], event):
                for name, _ in table.reads:
                    if kind is RunStarted:
                        self._expect(at[0], name, labels)
                    elif self._counters.begin(name, labels) and kind is not EpisodeStarted:
                        self.spread(name, labels)

    def enter(self, at: Labels) -> None:
        """Begin, in an environment in which an episode starts, what is expected in its run."""
        environments = self._environments.setdefault(at[0], {})
        if at not in environments:
            environments[at] = None
            for name, rest in self._expected.get(at[0], ()):
                self._counters.begin(name, at + rest)

    def spread(self, name: str, labels: Labels) -> None:
        """Begin in the other environments what one of them has."""
        if name in _DIVIDED and labels[:3] in self._environments.get(labels[0], ()):
            self._expect(labels[0], name, labels[3:])

    def forget(self, run: str) -> None:
        """Give back what belongs to a run."""
        self._environments.pop(run, None)
        self._expected.pop(run, None)

    def _expect(self, run: str, name: str, rest: Labels) -> None:
        expected = self._expected.setdefault(run, {})
        if (name, rest) not in expected and len(expected) < MAX_LABEL_SETS:
            expected[name, rest] = None
            for at in self._environments.get(run, ()):
                self._counters.begin(name, at + rest)


def _observe(name: str, before: tuple[float, ...], amount: float) -> tuple[float, ...]:
    *counts, total = before
    counts[bisect_left(METRICS[name].buckets, amount)] += 1
    return (*counts, total + amount)
