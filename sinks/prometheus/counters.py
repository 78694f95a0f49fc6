"""What only ever grows: counters and histograms, added up event by event, within a budget of label sets."""

from bisect import bisect_left
from math import inf

from nissa.events.vocabulary import OUTCOMES
from nissa.sinks.prometheus.catalog import METRICS
from nissa.sinks.prometheus.metric import Labels, Value

__all__ = ["MAX_LABEL_SETS", "Totals"]

MAX_LABEL_SETS = 2_000
"""Label sets of one metric; further ones are refused, and counted, so that neither memory nor a scrape can explode."""

_ZERO: dict[str, Value] = {
    metric.name: (0,) * (len(metric.buckets) + 2) if metric.type == "histogram" else 0
    for metric in METRICS.values()
    if metric.type != "gauge"
}


class Totals:
    """The counters and histograms by name and labels. The caller sees to it that one thread is here at a time."""

    def __init__(self) -> None:
        self.refused = 0
        """Amounts left out because their label set was new and there was no room."""
        self._series: dict[str, dict[Labels, Value]] = {name: {} for name in _ZERO}
        for outcome in OUTCOMES:
            self.add("nissa_runs_ended_total", (outcome,), 0)

    def add(self, name: str, labels: Labels, amount: float | None) -> bool:
        """Add to a counter, or observe in a histogram; whether a series was born.

        One NaN would end a counter for good: it is left out.
        """
        if amount is None or not 0 <= amount < inf:
            return False
        series = self._series[name]
        before = series.get(labels)
        if before is None and len(series) >= MAX_LABEL_SETS:
            self.refused += 1
            return False
        value = _ZERO[name] if before is None else before
        series[labels] = _observe(name, value, amount) if isinstance(value, tuple) else value + amount
        return before is None

    def open(self, name: str, labels: Labels) -> None:
        """Let a series begin at 0, if half of the room is free: zeros must not take the place of what counts."""
        series = self._series[name]
        if len(series) < MAX_LABEL_SETS // 2:
            series.setdefault(labels, _ZERO[name])

    def copy(self) -> dict[str, dict[Labels, Value]]:
        """As it stands now, for another thread to read."""
        return {name: series.copy() for name, series in self._series.items()}

    def forget(self, run: str) -> None:
        """Give back what belongs to a run."""
        for name, series in self._series.items():
            if METRICS[name].labels[:1] == ("run",):
                self._series[name] = {labels: value for labels, value in series.items() if labels[0] != run}


def _observe(name: str, before: tuple[float, ...], amount: float) -> tuple[float, ...]:
    *counts, total = before
    counts[bisect_left(METRICS[name].buckets, amount)] += 1
    return (*counts, total + amount)
