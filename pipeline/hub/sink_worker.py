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
        self._written = self._failed = self._retries = self._unflushed = 0
        self._flushed = self._resting = 0.0
        self._worker = Worker(
            name, faults, capacity=capacity, poll=_POLL, handle=self._write, settle=self._settle, end=self._end
        )
        self.flush, self.stop, self.join = self._worker.flush, self._worker.stop, self._worker.join
        self.after_fork = self._worker.after_fork

    def __call__(self, event: Event[Any]) -> None:
        self._worker.buffer.put(event.payload, event)

    def state(self) -> SinkState:
        """How the sink is doing."""
        written, failed, dropped = self._written, self._failed, dict(self._worker.buffer.dropped)
        return SinkState(
            sink=self.name,
            written=written,
            queued=self._worker.buffer.accepted - written - failed - sum(dropped.values()),
            failed=failed,
            retries=self._retries,
            breaker=self._breaker.state,
            dropped=dropped,
        )

    def _write(self, entry: Entry) -> None:
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
        self._written += 1
        self._unflushed += 1
        return None

    def _attempt(self, event: Event[Any]) -> BaseException | None:
        try:
            self._sink(event)
        except BaseException as error:  # noqa: BLE001  # a sink may fail in any way, even call sys.exit
            if not isinstance(error, UnwritableEventError):
                self._breaker.failed()
            return error
        if not hasattr(self._sink, "flush"):
            self._breaker.succeeded()
        return None

    def _bury(self, event: Event[Any], error: BaseException, ending: bool) -> None:
        self._failed += 1
        self._faults.report(self.name, error, event)
        if ending:
            # A sink that rests is not waited for.
            self._worker.give_up()

    def _settle(self, idle: bool) -> bool:
        now = time.monotonic()
        if not self._unflushed:
            return True
        if now < self._resting or not (idle or now - self._flushed >= _FLUSH_EVERY):
            return False
        self._flushed = now
        return self._flush()

    def _flush(self) -> bool:
        if not self._call("flush"):
            self._breaker.failed()
            self._resting = time.monotonic() + max(self._breaker.rest, _BACK_OFF)
            return False
        self._breaker.succeeded()
        self._unflushed = 0
        return True

    def _end(self) -> None:
        if self._unflushed and not self._flush():
            # They were taken, and never got out.
            self._written -= self._unflushed
            self._failed += self._unflushed
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
