"""Nissa behind a running esper-lite: `hub.add_backend(NissaBackend(telemetry))` is the whole integration.

It imports nothing of theirs: an event is whatever has `event_type`, `timestamp` and `data`, as their file backend
writes it.
"""

import sys
import threading
import time
from collections import Counter
from dataclasses import fields, is_dataclass
from typing import Any

from nissa.events.codec import MalformedLineError
from nissa.events.kinds import EventsDropped, Importance, Payload
from nissa.pipeline import process_exit
from nissa.pipeline.hub import Entry, Worker
from nissa.pipeline.sources.esper.translator import SYSTEM, Translator
from nissa.pipeline.sources.translation_report import Account
from nissa.pipeline.telemetry import CAPACITY, Telemetry

__all__ = ["NissaBackend"]

_POLL = 0.01
_NAMES = ("event_id", "timestamp", "seed_id", "slot_id", "epoch", "group_id", "message", "severity")


class _Waiting(Payload):
    """Stands in the buffer for an event of theirs that was not translated yet."""

    __slots__ = ()
    importance = Importance.ROUTINE
    kind = "esper_event"
    derived = False


_WAITING = _Waiting()


class NissaBackend:
    """A backend for their hub: it translates on a thread of its own, and ends the telemetry when their hub ends.

    Nothing that goes wrong here is raised: it is counted under "esper" among the pipeline's faults, and in `account`.
    `capacity` is how many events may wait. Raises ValueError if that is below 1.
    """

    def __init__(self, telemetry: Telemetry, capacity: int = CAPACITY) -> None:
        self.account = Account(SYSTEM)
        """What became of the events so far: translated, carried whole, refused."""
        self._telemetry, self._emitter = telemetry, telemetry.scope()
        self._translate = Translator(self.account, telemetry.run)
        self._faults = self._emitter.faults
        self._worker = Worker(
            "esper", self._faults, capacity=capacity, poll=_POLL, handle=self._take, settle=self._settle, end=_nothing
        )
        self._told: Counter[str] = Counter()
        self._closed = False
        self._closer: int | None = None

    def start(self) -> None:
        """Called by their hub. From here on this backend ends the telemetry, so that what waits here gets there."""
        process_exit.watch(self)
        process_exit.unwatch(self._telemetry.ending)

    def emit(self, event: Any) -> None:
        """Take an event of theirs. Never waits, never raises, does no I/O."""
        try:
            self._worker.buffer.put(_WAITING, event)
            if self._closed:
                self.account.late = self._worker.buffer.refused
        except Exception as error:  # noqa: BLE001  # their hub must not feel it
            self._faults.report("esper", error)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until what was emitted so far has passed every sink; False if `timeout` seconds were too few."""
        deadline = time.monotonic() + timeout
        return self._worker.flush(deadline) and self._telemetry.flush(max(0.0, deadline - time.monotonic()))

    def close(self, outcome: str | None = None, error: str | None = None, timeout: float = 5.0) -> None:
        """Called by their hub: what waits is delivered, and the run ends as an exception under way says, if any."""
        if self._closed:
            return
        self._closed, self._closer = True, threading.get_ident()
        self._worker.stop()
        self._worker.join(time.monotonic() + timeout / 2)
        if outcome is None:
            self._telemetry.__exit__(*sys.exc_info())
        else:
            self._telemetry.close(outcome, error, timeout / 2)
        self._closer = None
        process_exit.unwatch(self)

    def closes_here(self) -> bool:
        """Whether this thread is in the middle of `close`."""
        return self._closer == threading.get_ident()

    def after_fork(self) -> None:
        """In a forked child: take nothing, wait for nothing."""
        self._closed = True
        self._worker.after_fork()
        self._telemetry.ending.after_fork()

    def _take(self, entry: Entry) -> None:
        self.account.lines += 1
        try:
            for payload, scope, at, extra in self._translate(_row(entry[3])):
                self._emitter.relay(payload, scope, at, extra)
        except MalformedLineError as error:
            self._refuse(str(error), error)
        except Exception as error:  # noqa: BLE001  # an object of theirs may do anything when it is looked at
            self._refuse(type(error).__name__, error)

    def _refuse(self, reason: str, error: Exception) -> None:
        self.account.refuse({reason: 1})
        self._faults.report("esper", error)

    def _settle(self, _: bool) -> bool:
        """What had no room here is told in the stream, like what had none further on."""
        dropped = Counter(self._worker.buffer.dropped)
        if news := dropped - self._told:
            self._told = dropped
            self._emitter.emit(EventsDropped(place="esper", dropped=dict(news)))
        return True


def _row(event: Any) -> dict[str, Any]:
    """An event as their file backend would write it."""
    told = {name: getattr(event, name, None) for name in _NAMES}
    kind = getattr(event, "event_type", None)
    return told | {"event_type": getattr(kind, "name", kind), "data": _plain(getattr(event, "data", None))}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    return getattr(value, "name", str(value))


def _nothing() -> None:
    pass
