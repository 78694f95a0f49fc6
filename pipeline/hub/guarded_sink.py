"""A sink and what guards it: what it does wrong hurts only itself."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from nissa.events.codec import UnwritableEventError
from nissa.events.event import Event
from nissa.events.kinds import SinkState
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.hub.books import Books
from nissa.pipeline.hub.circuit_breaker import CircuitBreaker
from nissa.pipeline.hub.worker import Worker

__all__ = ["ATTEMPTS", "GuardedSink"]

ATTEMPTS = 3
"""Tries for one event before it goes to the dead letters."""
_BACK_OFF = 0.05


class GuardedSink:
    """Feeds a sink, a callable that takes an event, on the thread of a `worker`, whose books say what became of each.

    If it has `flush()`, that is called when the queue runs empty and after `flush_every` seconds, if anything was
    written; if it has `close()`, at the end; if it has `take_all(events)`, that is tried first, with several. What
    raises is tried again, then buried; a sink that keeps raising rests. An event that cannot be written is buried at
    once, and the sink is not to blame.
    """

    def __init__(
        self, name: str, sink: Callable[[Event[Any]], Any], faults: FaultLog, worker: Worker, *, flush_every: float
    ) -> None:
        self.name, self._sink, self._faults, self._worker = name, sink, faults, worker
        self._breaker = CircuitBreaker()
        self._buffers = hasattr(sink, "flush")
        self._take_all: Callable[[Sequence[Event[Any]]], bool] | None = getattr(sink, "take_all", None)
        self._retries = 0
        self._flush_every, self._flushed, self._resting = flush_every, 0.0, 0.0
        self._held_since: float | None = None

    def state(self) -> SinkState:
        """How the sink is doing."""
        books = self._worker.buffer.books()
        return SinkState(
            sink=self.name,
            given=books.accepted,
            written=books.fates["written"],
            queued=books.queued + books.fates["held"],
            failed=books.fates["failed"],
            retries=self._retries,
            breaker=self._breaker.state,
            dropped=books.dropped,
            reasons=books.reasons,
            oldest=self._oldest(books),
        )

    def _oldest(self, books: Books) -> float:
        """Age in seconds of the oldest event that is not written; 0 where there is none."""
        waiting, held = self._worker.buffer.oldest(), self._held_since
        times = [held] if held is not None and books.fates["held"] else []
        if waiting:
            # The hub's own buffer has no events yet, but its entries bear their time.
            times.append(waiting[3].time if isinstance(waiting[3], Event) else waiting[1])
        return max(0.0, time.time() - min(times)) if times else 0.0

    def give_up(self) -> None:
        """Called when the worker has ended, or is left behind: what the sink holds, nobody will see written."""
        if self._worker.is_calling():
            return
        self._count_out()
        self._worker.buffer.turn("held", "failed", self._held())

    def after_fork(self) -> None:
        """In a forked child: let go of what the sink has open."""
        getattr(self._sink, "after_fork", _nothing)()

    def _held(self) -> int:
        """Events that the sink took, and of which it is not known yet that they are out."""
        return self._worker.buffer.books().fates["held"]

    def _count_out(self) -> None:
        """Take in what the sink says of the events that it holds."""
        held = self._held()
        try:
            left = min(held, getattr(self._sink, "unwritten", held))
        except Exception as error:  # noqa: BLE001  # it is asked at the end too, where the trainer waits
            self._faults.report(self.name, error)
            left = held
        self._worker.buffer.turn("held", "written", held - left)
        if not left:
            self._held_since = None

    def write_run(self, events: Sequence[Event[Any]]) -> list[str]:
        """Have the sink take several events, together if it can. Returns what became of each."""
        try:
            together = self._take_all is not None and self._take_all(events)
        except BaseException:  # noqa: BLE001  # it took none, and says what is wrong when it is given one by one
            together = False
            self._retries += 1
        if not together:
            return [self.write(event) for event in events]
        self._took(events[0])
        return [self._taken] * len(events)

    @property
    def _taken(self) -> str:
        return "held" if self._buffers else "written"

    def write(self, event: Event[Any]) -> str:
        """Have the sink take an event. Returns what became of it."""
        error = self._attempt(event)
        tries = 1
        while error is not None:
            ending = self._worker.stopping.is_set() and self._breaker.state == "open"
            if tries >= ATTEMPTS or ending or isinstance(error, UnwritableEventError):
                return self._bury(event, error, ending)
            self._retries += 1
            self._worker.stopping.wait(self._breaker.rest or _BACK_OFF * tries)
            self._breaker.rested()
            error = self._attempt(event)
            tries += 1
        return self._taken

    def _attempt(self, event: Event[Any]) -> BaseException | None:
        try:
            self._sink(event)
        except BaseException as error:  # noqa: BLE001  # a sink may fail in any way, even call sys.exit
            if not isinstance(error, UnwritableEventError):
                self._count_out()
                self._breaker.failed()
            return error
        self._took(event)
        return None

    def _took(self, event: Event[Any]) -> None:
        if not self._buffers:
            self._breaker.succeeded()
        elif self._held_since is None:
            self._held_since = event.time

    def _bury(self, event: Event[Any], error: BaseException, ending: bool) -> str:
        self._faults.report(self.name, error, event)
        if ending:
            # A sink that rests is not waited for.
            self._worker.give_up()
        return "failed"

    def settle(self, idle: bool) -> bool:
        """Flush if that is due; whether all that the sink took is out."""
        now = time.monotonic()
        if not self._held():
            return True
        if now < self._resting or not (idle or now - self._flushed >= self._flush_every):
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
        self._held_since = None
        return True

    def end(self) -> None:
        """Flush and close the sink."""
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
