"""A real Prometheus scrapes a run while its events come in, faster than they did."""

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.server import MetricsServer
from nissa.sinks.serving import listening
from tests.grafana.promql import filled

__all__ = ["Served", "served"]


class Served(NamedTuple):
    """What Prometheus scraped, from when to when, as which instance, and when the run began."""

    prometheus: Any
    instance: str
    start: float
    end: float
    began: float

    def series(self, expr: str) -> list[dict[str, Any]]:
        """Labels and values of what an expression gives over the time."""
        text = filled(expr, instance=re.escape(self.instance).replace("\\", "\\\\"), __rate_interval="5s")
        text = text.replace('run=~".*"', f'run=~".*", instance="{self.instance}"')
        # Seconds are counted from the last scrape that worked, so that there is a point for it.
        start = self.end - int(self.end - self.start)
        asked = {"start": f"{start:.3f}", "end": f"{self.end:.3f}", "step": "1"}
        rows = self.prometheus.get("query_range", query=text, **asked)
        return list(rows["result"])


@contextmanager
def served(prometheus: Any, events: Sequence[Event[Any]], parts: int) -> Iterator[Served]:
    """In as many parts do they come in, with a scrape after each."""
    sink = PrometheusSink(grace=math.inf)
    server = MetricsServer(sink, listening("127.0.0.1", 0))
    server.start()
    try:
        sink(events[0])
        instance = prometheus.scrape(server.url)
        start = end = prometheus.scraped(instance)
        for n, event in enumerate(events[1:], start=1):
            sink(event)
            if n * parts // len(events) < (n + 1) * parts // len(events):
                end = prometheus.scraped(instance)
        yield Served(prometheus, instance, start, end, events[0].time)
    finally:
        server.close()
