"""Trainers that were scraped: what their /metrics said each time, by their events."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from prometheus_client import Metric as Family

from nissa.events.event import Event, Scope
from nissa.events.kinds import Heartbeat, MachineState, PipelineState, RunEnded, TelemetryCost
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.metrics.pipeline import NOTHING_YET
from tests.grafana.stretched import Run

__all__ = ["INTERVAL", "scrapes"]

INTERVAL = 15.0
"""Seconds from scrape to scrape."""


class _Process:
    """A trainer with its /metrics. Its pipeline's account follows the events, because heartbeats would lag behind."""

    def __init__(self, run: Run) -> None:
        self._waiting, self._seen, self._start = deque(run), 0, run[0].time
        self._scope, self._last = Scope(run[0].scope.run), NOTHING_YET
        self._sink = PrometheusSink(self._account, grace=float("inf"))
        self._machine: MachineState | None = None
        self._cost: TelemetryCost | None = None
        self._ended = False

    def scrape(self, now: float) -> list[Family]:
        """What /metrics says; nothing after the first scrape that saw the run's end, as the port is given back then."""
        if self._ended:
            return []
        while self._waiting and self._waiting[0].time <= now:
            self._take(self._waiting.popleft())
        if not self._ended:
            # A real one beats every five seconds, on a clock that is not stretched.
            beat = Heartbeat(uptime=now - self._start, pipeline=self._account(), machine=self._machine, cost=self._cost)
            self._sink(Event(self._seen, now, self._scope, beat))
        return list(self._sink.collect())

    def _take(self, event: Event[Any]) -> None:
        if type(event.payload) is Heartbeat:
            self._last, self._machine = event.payload.pipeline, event.payload.machine or self._machine
            self._cost = event.payload.cost or self._cost
            return
        self._seen += not event.ordinal
        self._ended = self._ended or type(event.payload) is RunEnded
        self._sink(event)

    def _account(self) -> PipelineState:
        # What waited at a heartbeat is among the events that follow.
        accepted = self._seen + sum(self._last.dropped.values())
        sinks = [replace(sink, written=self._seen) for sink in self._last.sinks]
        return replace(self._last, accepted=accepted, delivered=self._seen, queued=0, sinks=sinks)


def scrapes(
    runs: Sequence[Run], start: float, end: float, interval: float = INTERVAL
) -> Iterator[tuple[float, list[Family]]]:
    """Time of each scrape from start to end, and what it found: nothing while no run goes on."""
    processes = [(run[0].time, _Process(run)) for run in runs]
    for n in range(int((end - start) / interval) + 1):
        now = start + n * interval
        begun = [process for since, process in processes if since <= now]
        yield now, begun[-1].scrape(now) if begun else []
