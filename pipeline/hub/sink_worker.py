"""A sink behind a queue and a thread of its own: what it does wrong, or slowly, hurts only itself."""

import time
from collections.abc import Callable
from typing import Any

from nissa.events.codec import UnwritableEventError
from nissa.events.event import Event
from nissa.events.kinds import SinkState
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.hub.circuit_breaker import CircuitBreaker
from nissa.pipeline.hub.priority_buffer import Entry
from nissa.pipeline.hub.worker import Worker

__all__ = ["ATTEMPTS", "SinkWorker"]

ATTEMPTS = 3
"""Tries for one event before it goes to the dead letters."""
_BACK_OFF = 0.05
_POLL = 0.05
_FLUSH_EVERY = 1.0


class SinkWorker:
    """Feeds a sink: a callable that takes an event.

    If it has `flush()`, that is called when the queue runs empty and once a second, if anything was written; if it has
    `close()`, at the end; all on the same thread. What raises is tried again, then buried; a sink that keeps raising is
    left to rest. An event that cannot be written is buried at once, and the sink is not to blame.
    """

    def __init__(self, name: str, sink: Callable[[Event[Any]], Any], faults: FaultLog, capacity: int) -> None:
        self.name, self._sink, self._faults = name, sink, faults
        self.kinds = getattr(sink, "kinds", None)
        self._breaker = CircuitBreaker()
        self._buffers = hasattr(sink, "flush")
        self._retries = 0
        self._flushed = self._resting = 0.0
        self._worker = Worker(
            name, faults, capacity=capacity, poll=_POLL, handle=self._write, settle=self._settle, end=self._end
        )
        self.flush, self.stop = self._worker.flush, self._worker.stop
        self.books, self.after_fork = self._worker.buffer.books, self._worker.after_fork

    def __call__(self, event: Event[Any]) -> None:
        self._worker.buffer.put(event.payload, event)

    def state(self) -> SinkState:
        """How the sink is doing."""
        books = self.books()
        return SinkState(
            sink=self.name,
            given=books.accepted,
            written=books.fates["written"],
            queued=books.queued + books.fates["held"],
            failed=books.fates["failed"],
            retries=self._retries,
            breaker=self._breaker.state,
            dropped=books.dropped,
        )

    def join(self, deadline: float) -> None:
        """Wait for the end. What a sink that is left behind holds, nobody will see written."""
        self._worker.join(deadline)
        if self._worker.is_calling():
            return
        self._count_out()
        self._worker.buffer.turn("held", "failed", self._held())

    def _held(self) -> int:
        """Events that the sink took, and of which it is not known yet that they are out."""
        return self.books().fates["held"]

    def _count_out(self) -> None:
        """Take in what the sink says of the events that it holds."""
        held = self._held()
        try:
            left = min(held, getattr(self._sink, "unwritten", held))
        except Exception as error:  # noqa: BLE001  # it is asked at the end too, where the trainer waits
            self._faults.report(self.name, error)
            left = held
        self._worker.buffer.turn("held", "written", held - left)

    def _write(self, entry: Entry) -> str:
        error = self._attempt(entry[3])
        tries = 1
        while error is not None:
            ending = self._worker.stopping.is_set() and self._breaker.state == "open"
            if tries >= ATTEMPTS or ending or isinstance(error, UnwritableEventError):
                return self._bury(entry[3], error, ending)
            self._retries += 1
            self._worker.stopping.wait(self._breaker.rest or _BACK_OFF * tries)
            self._breaker.rested()
            error = self._attempt(entry[3])
            tries += 1
        return "held" if self._buffers else "written"

    def _attempt(self, event: Event[Any]) -> BaseException | None:
        try:
            self._sink(event)
        except BaseException as error:  # noqa: BLE001  # a sink may fail in any way, even call sys.exit
            if not isinstance(error, UnwritableEventError):
                self._breaker.failed()
                self._count_out()
            return error
        if not self._buffers:
            self._breaker.succeeded()
        return None

    def _bury(self, event: Event[Any], error: BaseException, ending: bool) -> str:
        self._faults.report(self.name, error, event)
        if ending:
            # A sink that rests is not waited for.
            self._worker.give_up()
        return "failed"

    def _settle(self, idle: bool) -> bool:
        now = time.monotonic()
        if not self._held():
            return True
        if now < self._resting or not (idle or now - self._flushed >= _FLUSH_EVERY):
            return False
        self._flushed = now
        return self._flush()

    def _flush(self) -> bool:
        if not self._call("flush"):
            self._count_out()
            self._breaker.failed()
            self._resting = time.monotonic() + max(self._breaker.rest, _BACK_OFF)
            return False
        self._breaker.succeeded()
        self._worker.buffer.turn("held", "written", self._held())
        return True

    def _end(self) -> None:
        if self._held():
            self._flush()
        self._call("close")

    def _call(self, method: str) -> bool:
        try:
            getattr(self._sink, method, _nothing)()
        except BaseException as error:  # noqa: BLE001  # as above
            self._faults.report(self.name, error)
            return False
        return True


def _nothing() -> None:
    pass
