"""The hub: takes events from the trainer without making it wait, and delivers them on a thread of its own."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import EventsDropped, Heartbeat, Payload, PipelineState
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.pipeline.dispatch.fault_log import Faults
from nissa.pipeline.hub.fidelity_feedback import FidelityFollower
from nissa.pipeline.hub.priority_buffer import Entry
from nissa.pipeline.hub.sink_worker import Outlet
from nissa.pipeline.hub.worker import Worker

__all__ = ["HEARTBEAT", "Hub"]

HEARTBEAT = 5.0
"""Seconds between heartbeats."""
_CHORES = 1.0
_POLL = 0.01


class _Relayed(NamedTuple):
    """Where something happened, and what another system said of it beyond the payload."""

    scope: Scope
    extra: Mapping[str, Any] | None


class Hub:
    """Stands between the trainer's threads and the dispatcher, and keeps the pipeline's account of itself."""

    def __init__(
        self,
        scope: Scope,
        dispatcher: Dispatcher,
        outlets: Sequence[Outlet],
        faults: Faults,
        capacity: int,
        *,
        fidelity: FidelityFollower,
    ) -> None:
        self._scope, self._dispatcher, self._outlets, self._faults = scope, dispatcher, outlets, faults
        self._fidelity = fidelity
        self._delivered = 0
        self._lag = 0.0
        self._born: float | None = None
        self._last = 0.0
        self._beaten = self._checked = float("-inf")
        self._told: dict[str, Counter[str]] = {}
        self._telling = threading.Lock()
        self._worker = Worker(
            "hub",
            faults,
            capacity=capacity,
            poll=_POLL,
            handle=self._deliver,
            settle=self._settle,
            end=dispatcher.close,
        )

    def emit(self, payload: Payload, scope: Scope) -> None:
        """Accept an event, or shed one. Never waits, never raises, does no I/O."""
        try:
            self._worker.lanes.put(payload, scope)
        except Exception as error:  # noqa: BLE001  # the trainer must not feel it
            self._faults.report("emit", error)

    def relay(self, payload: Payload, scope: Scope, time: float, extra: Mapping[str, Any] | None) -> None:
        """Accept an event that happened at `time`, in another system. As `emit` otherwise."""
        try:
            self._worker.lanes.put(payload, _Relayed(scope, extra), lambda: time)
        except Exception as error:  # noqa: BLE001  # as above
            self._faults.report("emit", error)

    @property
    def faults(self) -> Faults:
        """Where errors are counted, also those of parts that feed this hub."""
        return self._faults

    def fault(self, component: str, error: Exception) -> None:
        """Count an error of a part that works on the trainer's thread."""
        self._faults.report(component, error)

    def state(self) -> PipelineState:
        """The pipeline's account of itself, now."""
        delivered, dropped = self._delivered, dict(self._worker.lanes.dropped)
        accepted = self._worker.lanes.accepted
        return PipelineState(
            accepted=accepted,
            delivered=delivered,
            queued=accepted - delivered - sum(dropped.values()),
            dropped=dropped,
            refused=self._worker.lanes.refused,
            faults=dict(self._faults.counts),
            restarts=self._worker.restarts,
            lag=self._lag,
            fidelity_delay=self._fidelity.last,
            fidelity_delay_max=self._fidelity.largest,
            sinks=[outlet.state() for outlet in self._outlets],
        )

    def uptime(self) -> float:
        """Seconds since the first event."""
        return max(0.0, time.time() - self._born) if self._born else 0.0

    def account(self) -> None:
        """Put the drops since the last account, and a heartbeat, into the stream."""
        with self._telling:
            self._tell_drops()
            self._beaten = time.monotonic()
            self.emit(Heartbeat(uptime=self.uptime(), pipeline=self.state()), self._scope)

    def flush(self, timeout: float) -> bool:
        """Wait until what was emitted before this call has passed every sink; False if it took too long."""
        deadline = time.monotonic() + timeout
        return self._worker.flush(deadline) and all(outlet.flush(deadline) for outlet in self._outlets)

    def close(self, timeout: float) -> None:
        """Deliver what there is, within `timeout` seconds, and end all threads."""
        # A hub that hangs must not use up the time of its sinks, nor one sink that of the next.
        now = time.monotonic()
        self._worker.stop()
        self._worker.join(now + timeout / 2)
        for outlet in self._outlets:
            outlet.stop()
        for outlet in self._outlets:
            outlet.join(now + timeout)

    def is_calling(self) -> bool:
        """Whether this is the hub's own thread."""
        return self._worker.is_calling()

    def after_fork(self) -> None:
        """In a forked child: emit nothing, wait for nothing."""
        self._worker.after_fork()
        for outlet in self._outlets:
            outlet.after_fork()

    def _deliver(self, entry: Entry) -> None:
        seq, self._last, payload, where = entry
        scope, extra = where if type(where) is _Relayed else (where, None)
        self._delivered += 1
        self._born = self._born or self._last
        self._dispatcher.deliver(Event(seq, self._last, scope, payload, extra=extra))

    def _settle(self, idle: bool) -> bool:
        now = time.monotonic()
        if not idle:
            self._lag = max(0.0, time.time() - self._last)
        if now - self._beaten >= HEARTBEAT:
            self.account()
        elif now - self._checked >= _CHORES:
            self._checked = now
            with self._telling:
                self._tell_drops()
        return True

    def _tell_drops(self) -> None:
        places = {"hub": self._worker.lanes.dropped} | {o.name: Counter(o.state().dropped) for o in self._outlets}
        for place, dropped in places.items():
            total = Counter(dropped)
            if news := total - self._told.get(place, Counter()):
                self._told[place] = total
                self.emit(EventsDropped(place=place, dropped=dict(news)), self._scope)
