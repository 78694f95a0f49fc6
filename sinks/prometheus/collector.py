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
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector

from nissa.events.event import Event
from nissa.events.kinds import PipelineState
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from nissa.sinks.prometheus.families import families
from nissa.sinks.prometheus.metric import Sample
from nissa.sinks.prometheus.metrics.alerts import standing
from nissa.sinks.prometheus.metrics.pipeline import NOTHING_YET, account
from nissa.sinks.prometheus.metrics.run import LIVENESS
from nissa.sinks.prometheus.metrics.traces import fidelity
from nissa.sinks.prometheus.render import count_kinds, first_events, last_events, read, tell
from nissa.sinks.prometheus.state import Snapshot, State

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
        self._scrapes = self._errors = self._refused = 0
        self._seconds = 0.0

    def __call__(self, event: Event[Any]) -> None:
        self._state.fold(event)

    def describe(self) -> Iterable[Family]:
        """The families without samples, which a registry needs to serve some of them alone."""
        return families({})

    def collect(self) -> Iterable[Family]:
        """All families, with what is known now."""
        started = time.perf_counter()
        known = self._state.snapshot(self._grace)
        values = known.totals
        shared = (
            self._account(known),
            self._own(known),
            count_kinds(known.kinds),
            first_events(known.begun),
            last_events(known.places),
            standing(values),
            fidelity(known.places),
        )
        errors = sum(tell(values, samples) for samples in shared)
        errors += sum(read(values, place) for place in known.places)
        for name in LIVENESS if self._recorded else ():
            values.pop(name, None)
        gathered = families(values)
        with self._lock:
            self._scrapes += 1
            self._errors += errors
            self._refused += sum(max(0, len(series) - MAX_LABEL_SETS) for series in values.values())
            self._seconds += time.perf_counter() - started
        return gathered

    def _account(self, known: Snapshot) -> Iterator[Sample]:
        if known.account is not NOTHING_YET or not self._recorded:
            yield from account(self._pipeline() if self._pipeline else known.account)

    def _own(self, known: Snapshot) -> Iterator[Sample]:
        yield "nissa_label_sets_refused_total", (), known.refused + self._refused
        yield "nissa_scrapes_total", (), self._scrapes
        yield "nissa_scrape_errors_total", (), self._errors
        yield "nissa_scrape_seconds_total", (), self._seconds
