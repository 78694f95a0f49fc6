"""A run as it stands now, for whoever looks on: its log, read as it grows and folded as anywhere, and nothing written.

A collector does the same for a run, and writes what is derived; any number of onlookers may stand beside it.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from nissa.events.event import Event
from nissa.events.kinds import RunEnded, RunResumed
from nissa.operators import Operator, default_operators
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import Reading, Tail, UnreadableRunError, log_files, own_event
from nissa.sinks.run_log import is_being_written, segments
from nissa.sinks.tables import Tables

__all__ = ["FollowedRun"]

_SILENCE = 30.0
"""Seconds without an event after which a run is quiet whose writer cannot be seen, as on another machine."""


class FollowedRun:
    """Reads a run and hands its events to `consumers`. One thread calls `step`.

    A directory is followed while it grows, from before it is made. A file, or another system's log, is read once.
    `operators` are those that every run has, unless others are given.
    """

    def __init__(
        self,
        path: Path,
        consumers: Mapping[str, Callable[[Event[Any]], Any]],
        operators: Mapping[str, Operator] | None = None,
    ) -> None:
        self.path, self.reading, self.tables = path, Reading(), Tables()
        self.name: str | None = None
        self.outcome: str | None = None
        """How the run ended, as it told."""
        self.last = 0.0
        """Time of the last event."""
        self._consumers: dict[str, Callable[[Event[Any]], Any]] = {
            "tables": self.tables,
            "account": self._hear,
            **consumers,
        }
        self._faults = FaultLog()
        self._tail = Tail(path, self.reading) if _may_grow(path) else None
        folds = default_operators() if operators is None else operators
        self._dispatcher = Dispatcher(folds, self._consumers, self._faults.report)
        self._whole = self._torn = False
        self._first = _first(path)

    def step(self) -> bool:
        """Take in what was written since the last call, up to a bound; False if there was nothing.

        Raises UnreadableRunError where what is read once is no run.
        """
        if self._tail is None:
            return self._read_once()
        for place, line in (found := self._tail.read() or self._unfinished(self._tail)):
            event = own_event(place, line, self.reading)
            if event and self.reading.admit(event) and not event.ordinal:
                self._dispatcher.deliver(event)
        return bool(found)

    def anew(self) -> bool:
        """Whether the directory was made anew since: then this is another run, for another reader."""
        was, self._first = self._first, _first(self.path) or self._first
        # One that was packed away has another name.
        return was is not None and self._first is not None and was[0] == self._first[0] and was != self._first

    def waiting(self) -> int:
        """Bytes that were written and not read."""
        return self._tail.waiting() if self._tail else 0

    def state(self) -> Literal["live", "ended", "quiet", "recorded"]:
        """Whether somebody writes it; "quiet": nobody that can be seen from here, and it told no end."""
        if self._tail is None:
            return "recorded"
        if self.outcome is not None:
            return "ended"
        return "live" if self._is_written() or time.time() - self.last < _SILENCE else "quiet"

    def close(self) -> None:
        """Let go of the files."""
        if self._tail:
            self._tail.close()

    def _is_written(self) -> bool:
        return any(map(is_being_written, segments(self.path)[-1:]))

    def _unfinished(self, tail: Tail) -> list[tuple[str, bytes]]:
        """A last line without an end, once nobody writes any more; as a replay has it."""
        if self._torn or not segments(self.path) or self.state() == "live" or self._is_written() or tail.waiting():
            return []
        self._torn = True
        return tail.unfinished()

    def _read_once(self) -> bool:
        if self._whole:
            return False
        self._whole = True
        result = replay(self.path, [consumer for consumer in self._consumers.values() if consumer != self.tables])
        self.reading, self.tables = result.reading, result.tables
        return True

    def _hear(self, event: Event[Any]) -> None:
        self.name, self.last = event.scope.run, event.time
        match event.payload:
            case RunEnded(outcome=outcome):
                self.outcome = outcome
            case RunResumed():
                self.outcome = None


def _first(path: Path) -> tuple[str, int] | None:
    """The first segment and which file it is; None if there is none."""
    with suppress(OSError):
        return next(((file.name, file.stat().st_ino) for file in segments(path)), None)
    return None


def _may_grow(path: Path) -> bool:
    """Whether a run is there, or may come: not another system's log, which its own reader knows."""
    if not path.exists():
        return True
    try:
        found = log_files(path)
    except UnreadableRunError:
        return path.is_dir()
    # Asked last: its first segment may be made at any moment.
    return not found or bool(segments(path))
