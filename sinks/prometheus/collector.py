"""The Prometheus sink: events are folded into plain state as they come, and rendered when somebody scrapes.

>>> from nissa.events.kinds import BatchCompleted
>>> from nissa.events.event import Scope
>>> sink = PrometheusSink()
>>> batch = BatchCompleted(batch=0, loss=0.5, accuracy=81.25, host_grad_norm=1.0, seed_grad_norms={})
>>> sink(Event(0, 0.0, Scope("my-run", env=0), batch))
>>> [family.samples[0].value for family in sink.collect() if family.name == "nissa_batch_accuracy_ratio"]
[0.8125]
"""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector

from nissa.events.event import Event
from nissa.events.kinds import PipelineState
from nissa.sinks.prometheus.catalog import AT_SCRAPE
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from nissa.sinks.prometheus.metrics import LIVENESS, NOTHING_YET
from nissa.sinks.prometheus.render import Values, families, read, read_latest
from nissa.sinks.prometheus.snapshot import ScrapeAccount, Snapshot
from nissa.sinks.prometheus.state import State

__all__ = ["GRACE", "PrometheusSink"]

GRACE = 600.0
"""Seconds for which a run that ended stays in the scrape, so that its last values are seen.

A `Telemetry` serves its own run until that ends. This is for a process that outlives its runs, and has one sink for
all of them in a registry of its own: `registry.register(sink)`, and `Telemetry(sinks={"shared": sink})` for each run.
"""


class PrometheusSink(Collector):
    """Takes events on one thread; `collect` may be called on any other.

    `pipeline` gives the account that the pipeline keeps of itself; without it, the last heartbeat's is shown. `grace`
    is in seconds of `clock`. What is `recorded` stays, and says nothing of being alive: neither when something was
    heard of it last, nor, where no heartbeat told it, how the pipeline does.
    """

    inline = True

    def __init__(
        self,
        pipeline: Callable[[], PipelineState] | None = None,
        grace: float = GRACE,
        clock: Callable[[], float] = time.monotonic,
        *,
        recorded: bool = False,
    ) -> None:
        self._pipeline, self._grace = pipeline, math.inf if recorded else grace
        self._recorded = recorded
        self._state = State(clock)
        self._lock = threading.Lock()
        self._account = ScrapeAccount()

    def __call__(self, event: Event[Any]) -> None:
        self._state.fold(event)

    def describe(self) -> Iterable[Family]:
        """The families without samples, which a registry needs to serve some of them alone."""
        return families({}, {})

    def collect(self) -> Iterable[Family]:
        """All families, with what is known now."""
        started = time.perf_counter()
        known = self._state.snapshot(self._grace)
        values: Values = defaultdict(dict, known.totals)
        errors = sum(not read(values, AT_SCRAPE[type(source)], (), source) for source in self._sources(known))
        errors += sum(read_latest(values, place) for place in known.places)
        for name in LIVENESS if self._recorded else ():
            values.pop(name, None)
        gathered = families(values, known.exemplars)
        refused = sum(max(0, len(series) - MAX_LABEL_SETS) for series in values.values())
        with self._lock:
            so_far = self._account
            self._account = ScrapeAccount(
                so_far.scrapes + 1,
                so_far.errors + errors,
                so_far.refused + refused,
                so_far.seconds + time.perf_counter() - started,
            )
        return gathered

    def _sources(self, known: Snapshot) -> Iterator[Any]:
        if known.account is not NOTHING_YET or not self._recorded:
            yield self._pipeline() if self._pipeline else known.account
        refused, errors = known.refused + self._account.refused, known.unreadable + self._account.errors
        yield self._account._replace(refused=refused, errors=errors)
        yield known
