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
        event, tries = entry[3], 0
        while (error := self._attempt(event)) is not None:
            tries += self._breaker.state == "closed"
            ending = self._worker.stopping.is_set()
            if tries >= ATTEMPTS or (ending and self._breaker.state == "open"):
                self._failed += 1
                self._faults.report(self.name, error, event)
                # At the end, a sink that rests is not waited for.
                return self._worker.give_up() if ending and self._breaker.state == "open" else None
            self._retries += 1
            self._worker.stopping.wait(_BACK_OFF * tries)
        self._written += 1
        return None

    def _attempt(self, event: Event[Any]) -> Exception | None:
        if self._breaker.state == "open":
            self._worker.stopping.wait(self._breaker.rest)
            self._breaker.rested()
        try:
            self._sink(event)
        except Exception as error:  # noqa: BLE001  # a sink may fail in any way
            self._breaker.failed()
            return error
        self._breaker.succeeded()
        return None

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
        except Exception as error:  # noqa: BLE001  # as above
            self._faults.report(self.name, error)
            return False
        return True


def _nothing() -> None:
    pass
