"""A sink behind a queue and a thread of its own: what it does wrong, or slowly, hurts only itself."""

import time
from collections.abc import Callable
from typing import Any

from nissa.events.kinds import SinkState
from nissa.events.scope import Event
from nissa.pipeline.breaker import Breaker
from nissa.pipeline.faults import Faults
from nissa.pipeline.lanes import Entry
from nissa.pipeline.worker import Worker

__all__ = ["ATTEMPTS", "Outlet"]

ATTEMPTS = 3
"""Tries for one event before it goes to the dead letters; those of a sink that rests do not count."""
_BACK_OFF = 0.05
_POLL = 0.05
_FLUSH_EVERY = 1.0


class Outlet:
    """Feeds a sink: a callable that takes an event.

    If it has `flush()`, that is called when the queue runs empty and once a second; if it has `close()`, at the end;
    all on the same thread. What raises is tried again, then buried; a sink that keeps raising is left to rest.
    """

    def __init__(self, name: str, sink: Callable[[Event[Any]], Any], faults: Faults, capacity: int) -> None:
        self.name, self._sink, self._faults = name, sink, faults
        self.kinds = getattr(sink, "kinds", None)
        self._breaker = Breaker()
        self._written = self._failed = self._retries = 0
        self._flushed = 0.0
        self._worker = Worker(
            name, faults, capacity=capacity, poll=_POLL, handle=self._write, settle=self._settle, end=self._end
        )
        self.flush, self.close, self.after_fork = self._worker.flush, self._worker.close, self._worker.after_fork

    def __call__(self, event: Event[Any]) -> None:
        self._worker.lanes.put(event.payload, event)

    def state(self) -> SinkState:
        """How the sink is doing."""
        written, failed, dropped = self._written, self._failed, dict(self._worker.lanes.dropped)
        return SinkState(
            sink=self.name,
            written=written,
            queued=self._worker.lanes.accepted - written - failed - sum(dropped.values()),
            failed=failed,
            retries=self._retries,
            breaker=self._breaker.state,
            dropped=dropped,
        )

    def _write(self, entry: Entry) -> None:
        try:
            self._sink(entry[3])
        except BaseException as error:  # noqa: BLE001  # a sink may fail in any way, even call sys.exit
            self._insist(entry[3], error)
        else:
            self._breaker.succeeded()
            self._written += 1

    def _insist(self, event: Event[Any], error: BaseException | None) -> None:
        """Try an event that was refused again, until it is taken or given up."""
        tries = 0
        while error is not None:
            tries += self._breaker.state == "closed"
            self._breaker.failed()
            ending = self._worker.stopping.is_set() and self._breaker.state == "open"
            if tries >= ATTEMPTS or ending:
                return self._bury(event, error, ending)
            self._retries += 1
            error = self._again(event, _BACK_OFF * tries)
        self._breaker.succeeded()
        self._written += 1
        return None

    def _again(self, event: Event[Any], pause: float) -> BaseException | None:
        self._worker.stopping.wait(self._breaker.rest if self._breaker.state == "open" else pause)
        self._breaker.rested()
        try:
            self._sink(event)
        except BaseException as error:  # noqa: BLE001  # as above
            return error
        return None

    def _bury(self, event: Event[Any], error: BaseException, ending: bool) -> None:
        self._failed += 1
        self._faults.report(self.name, error, event)
        if ending:
            # A sink that rests is not waited for.
            self._worker.give_up()

    def _settle(self, idle: bool) -> bool:
        if not idle and time.monotonic() - self._flushed < _FLUSH_EVERY:
            return False
        self._flushed = time.monotonic()
        return self._guarded("flush")

    def _end(self) -> None:
        self._guarded("flush")
        self._guarded("close")

    def _guarded(self, method: str) -> bool:
        try:
            getattr(self._sink, method, _nothing)()
        except BaseException as error:  # noqa: BLE001  # as above
            self._faults.report(self.name, error)
            return False
        return True


def _nothing() -> None:
    pass
