"""The past of a recorded run for Prometheus: what /metrics would have said all along, as OpenMetrics with times."""

import math
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from nissa.events.event import Event
from nissa.sinks.prometheus.collector import PrometheusSink

__all__ = ["Backfill"]

_LONGEST_SILENCE = 1_000
"""Scrapes without an event in between: what follows is told of the next one on. A clock that is set takes years."""
_number: Callable[[float], str] = floatToGoString


class _Series(NamedTuple):
    """A gauge, a counter, or all that a histogram says, over time."""

    times: "array[float]"
    values: dict[str, "array[float]"]
    """By the text that stands before a value."""


class Backfill:
    """Takes the events of a run in their order, and keeps the values of each series every `every` seconds.

    `lines` is what `promtool tsdb create-blocks-from openmetrics` makes a database of. A sample takes 16 bytes.
    """

    def __init__(self, every: float) -> None:
        self._sink, self._every = PrometheusSink(recorded=True), every
        self._due: float | None = None
        self._last = 0.0
        self._types: dict[str, str] = {}
        self._told: dict[str, dict[tuple[str, ...], _Series]] = {}
        self._scraped: dict[str, str] = {}

    def __call__(self, event: Event[Any]) -> None:
        if self._due is None:
            self._due = event.time
            self._scraped = {"job": "nissa", "instance": event.scope.run}
        self._go_on(self._due, event.time)
        self._sink(event)
        self._last = max(self._last, event.time)

    def lines(self) -> Iterator[str]:
        """The text, line by line; the last values are those after the last event."""
        if self._due is not None:
            # Times are told in milliseconds, and of each there is one value.
            self._scrape(max(self._last, self._due - self._every + 0.001))
        for family, told in self._told.items():
            yield f"# TYPE {family} {self._types[family]}\n"
            for times, values in told.values():
                for n, at in enumerate(times):
                    yield from (f"{text} {_number(row[n])} {at:.3f}\n" for text, row in values.items())
        yield "# EOF\n"

    def _go_on(self, due: float, until: float) -> None:
        """Scrape up to an event; of a silence longer than `_LONGEST_SILENCE` scrapes, only the beginning."""
        steps = max(0, math.ceil((until - due) / self._every))
        for step in range(min(steps, _LONGEST_SILENCE)):
            self._scrape(due + step * self._every)
        self._due = due + steps * self._every

    def _scrape(self, now: float) -> None:
        for family in self._sink.collect():
            self._types[family.name] = family.type
            told = self._told.setdefault(family.name, {})
            for sample in family.samples:
                self._keep(told, sample, now)

    def _keep(self, told: dict[tuple[str, ...], _Series], sample: Sample, now: float) -> None:
        where = tuple(value for label, value in sample.labels.items() if label != "le")
        series = told.setdefault(where, _Series(array("d"), {}))
        if not series.times or series.times[-1] != now:
            series.times.append(now)
        text = _text(sample.name, {**sample.labels, **self._scraped})
        series.values.setdefault(text, array("d")).append(sample.value)


def _text(name: str, labels: Mapping[str, str]) -> str:
    return name + "{" + ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
