"""The hub: takes events from the trainer without making it wait, and delivers them on a thread of its own."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import EventsDropped, Heartbeat, MachineState, Payload, PipelineState, TelemetryCost
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.hub.books import Books
from nissa.pipeline.hub.costs import Clock, Costs, Size, excess
from nissa.pipeline.hub.fidelity_feedback import FidelityFollower
from nissa.pipeline.hub.guarded_sink import GuardedSink
from nissa.pipeline.hub.machine import Machine
from nissa.pipeline.hub.meter import Meter
from nissa.pipeline.hub.priority_buffer import Entry
from nissa.pipeline.hub.sink_worker import SinkWorker
from nissa.pipeline.hub.worker import Worker

__all__ = ["HEARTBEAT", "Hub"]

HEARTBEAT = 5.0
"""Seconds between heartbeats."""
_CHORES = 1.0
_FORKED = (
    "what a forked process emits into the run {!r} of its parent is lost: make a Telemetry in it, with a directory of "
    "its own, or hand the numbers to the parent and emit them there"
)
_EXPENSIVE = (
    "measuring costs {:.1%} of the CPU that the training uses, and the profile {!r} says {:.1%}, of longer steps. "
    "Measure less often (gradients.every), or have it lowered: Telemetry(..., overhead=0.03)"
)
_POLL = 0.01


class _Relayed(NamedTuple):
    """Where something happened, and what another system said of it beyond the payload."""

    scope: Scope
    extra: Mapping[str, Any] | None


class Hub:
    """Stands between the trainer's threads and the dispatcher, and keeps the pipeline's account of itself.

    `first` is the number of the first event. A `log` is written by the hub's own thread, instead of a dispatcher's
    work: as soon as some events are taken, they are out. `clocks` are those of Nissa's threads beside the hub's and the
    sinks', `collecting` that of a collector; `profile` is its name, and what its looks are to cost;
    `size` is that of the log.
    """

    def __init__(
        self,
        scope: Scope,
        dispatcher: Dispatcher,
        sinks: Sequence[SinkWorker],
        faults: FaultLog,
        capacity: int,
        *,
        fidelity: FidelityFollower,
        first: int = 0,
        log: Callable[[Event[Any]], Any] | None = None,
        clocks: Sequence[Clock] = (),
        collecting: Clock | None = None,
        profile: tuple[str, float | None] = ("", None),
        size: Size | None = None,
    ) -> None:
        self.faults = faults
        """Where errors are counted, also those of parts that feed this hub."""
        self._scope, self._dispatcher, self._sinks, self._fidelity = scope, dispatcher, sinks, fidelity
        self._first = first
        self._lag = 0.0
        self.meter = Meter()
        """What emitting and looking cost the trainer's own threads."""
        sinking = [sink.cpu for sink in sinks]
        self._costs = Costs(self.meter, [lambda: self._worker.cpu, *sinking, *clocks], collecting, size)
        self._profile, self._expected = profile
        self._machine = Machine()
        self._seen: MachineState | None = None
        self._born: float | None = None
        self._last = 0.0
        self._beaten = self._checked = float("-inf")
        self._told: dict[str, Counter[str]] = {}
        self._missing: dict[str, int] = {}
        self._telling = threading.Lock()
        self._worker = Worker(
            "hub",
            faults,
            capacity=capacity,
            poll=_POLL,
            handle=self._deliver,
            settle=self._settle,
            end=self._finish,
            handle_run=self._write if log else None,
        )
        self._log = GuardedSink("log", log, faults, self._worker, flush_every=0.0) if log else None
        self._guarded = (self._log,) if self._log else ()
        self.put: Callable[[Payload, Scope], None] = self._worker.buffer.put
        """Accepts an event, or sheds one. Never waits, does no I/O. Raises AttributeError on what is no payload."""

    def relay(self, payload: Payload, scope: Scope, time: float, extra: Mapping[str, Any] | None) -> None:
        """Accept an event that happened at `time`, in another system. As `put` otherwise."""
        self._worker.buffer.put(payload, _Relayed(scope, extra), lambda: time)

    def state(self) -> PipelineState:
        """The pipeline's account of itself, now."""
        books = self._worker.buffer.books()
        return PipelineState(
            accepted=books.accepted,
            # What a subscriber stopped the thread with was given to it all the same.
            delivered=books.fates.total(),
            queued=books.queued,
            dropped=books.dropped,
            reasons=books.reasons,
            refused=self._worker.buffer.refused,
            faults=dict(self.faults.counts),
            restarts=self._worker.restarts,
            lag=self._lag,
            fidelity_delay=self._fidelity.last,
            fidelity_delay_max=self._fidelity.largest,
            sinks=[sink.state() for sink in (*self._sinks, *self._guarded)],
        )

    @property
    def following(self) -> int:
        """The number of the next event."""
        return self._first + self._worker.buffer.accepted

    def uptime(self) -> float:
        """Seconds since the first event."""
        return max(0.0, time.time() - self._born) if self._born else 0.0

    def account(self) -> None:
        """Put the drops since the last account, and a heartbeat, into the stream."""
        with self._telling:
            self._tell_drops()
            self._audit()
            self._beaten = time.monotonic()
            cost = self._costs.beat()
            self._judge(cost)
            beat = Heartbeat(uptime=self.uptime(), pipeline=self.state(), machine=self._seen, cost=cost)
            self.put(beat, self._scope)

    def cost(self) -> TelemetryCost:
        """What telemetry took of this process since the run began."""
        return self._costs.state()

    def flush(self, timeout: float) -> bool:
        """Wait until what was emitted before this call has passed every sink; False if it took too long."""
        deadline = time.monotonic() + timeout
        return self._worker.flush(deadline) and all(sink.flush(deadline) for sink in self._sinks)

    def close(self, timeout: float) -> None:
        """Deliver what there is, within `timeout` seconds, and end all threads."""
        # A hub that hangs must not use up the time of its sinks, nor one sink that of the next.
        now = time.monotonic()
        self._worker.stop()
        self._worker.join(now + timeout / 2)
        for sink in self._sinks:
            sink.stop()
        for sink in self._sinks:
            sink.join(now + timeout)
        for log in self._guarded:
            log.give_up()
        self._audit()

    def is_calling(self) -> bool:
        """Whether this is the hub's own thread."""
        return self._worker.is_calling()

    def after_fork(self) -> None:
        """In a forked child: emit nothing, wait for nothing, and say so when something is emitted."""
        self.faults.after_fork()
        self._telling = threading.Lock()
        self._worker.buffer.on_refused = self._tell_lost
        self._worker.after_fork()
        for sink in (*self._sinks, *self._guarded):
            sink.after_fork()

    def _tell_lost(self) -> None:
        self.faults.tell(_FORKED.format(self._scope.run))

    def _deliver(self, entry: Entry) -> None:
        self._dispatcher.deliver(self._event(entry))

    def _write(self, entries: Sequence[Entry]) -> Sequence[str]:
        assert self._log
        return self._log.write_run([self._event(entry) for entry in entries])

    def _event(self, entry: Entry) -> Event[Any]:
        ticket, self._last, payload, where = entry
        scope, extra = where if type(where) is _Relayed else (where, None)
        self._born = self._born or self._last
        return Event(self._first + ticket, self._last, scope, payload, extra=extra)

    def _settle(self, idle: bool) -> bool:
        now = time.monotonic()
        if not idle:
            self._lag = max(0.0, time.time() - self._last)
        if now - self._beaten >= HEARTBEAT:
            # Here alone, on a thread that nobody waits for: a driver may hang.
            self._seen = self._taken()
            self.account()
        elif now - self._checked >= _CHORES:
            self._checked = now
            with self._telling:
                self._tell_drops()
        return self._log.settle(idle) if self._log else True

    def _finish(self) -> None:
        self._dispatcher.close()
        if self._log:
            self._log.end()

    def _books(self) -> dict[str, Books]:
        return {"hub": self._worker.buffer.books()} | {sink.name: sink.books() for sink in self._sinks}

    def _audit(self) -> None:
        """An event that is nowhere, or counted twice, is a fault of ours, and is told as one."""
        for place, books in self._books().items():
            if (missing := books.missing()) != self._missing.get(place, 0):
                self._missing[place] = missing
                self.faults.report("books", RuntimeError(f"{missing} events of {place} are not accounted for: {books}"))

    def _judge(self, cost: TelemetryCost) -> None:
        """Say once that looks cost more than their profile says."""
        expected = self._expected
        if expected is not None and (share := excess(cost, expected)) is not None:
            self._expected = None
            self.faults.tell(_EXPENSIVE.format(share, self._profile, expected))

    def _taken(self) -> MachineState | None:
        try:
            return self._machine.state()
        except Exception as error:  # noqa: BLE001  # what a driver raises is no reason not to be alive
            self.faults.report("machine", error)
        return None

    def _tell_drops(self) -> None:
        for place, books in self._books().items():
            total = Counter(books.dropped)
            if news := total - self._told.get(place, Counter()):
                self._told[place] = total
                self.put(EventsDropped(place=place, dropped=dict(news)), self._scope)
