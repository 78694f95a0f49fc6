"""One run, read as its log grows, through the same operators as a replay. Nothing is written to its directory."""

from pathlib import Path
from threading import Lock
from typing import Any

from nissa.cli.runs.report.page import entry, pages
from nissa.cli.runs.report.taking import Known
from nissa.operators import default_operators
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.sources import Tail, own_event
from nissa.sinks.run_log import is_being_written, segments

__all__ = ["Followed"]


class Followed:
    """One thread calls `step`; others may ask for what is known so far."""

    def __init__(self, directory: Path, key: str) -> None:
        self.directory, self.key = directory, key
        self._known = Known(directory)
        self._tail = Tail(directory, self._known.reading)
        self._lock = Lock()
        self._pages: tuple[int, dict[str, Any]] = (-1, {})
        consumers = {"tables": self._known.tables, **self._known.consumers}
        self._dispatcher = Dispatcher(default_operators(), consumers, FaultLog().report)
        self._live = self.unreadable = False

    def step(self) -> bool:
        """Work off some of what was written since the last call; False if there was nothing."""
        lines = self._tail.read()
        self._live = any(map(is_being_written, segments(self.directory)[-1:]))
        if lines:
            with self._lock:
                for place, line in lines:
                    self._take(place, line)
        return bool(lines)

    def entry(self) -> dict[str, Any]:
        """Its row in the list of runs."""
        with self._lock:
            told = entry(self._known, self.key, live=self._live)
        verdict = {name: text for name, text in self._pages[1].items() if name in {"verdict", "alerts"}}
        return told | verdict | ({"state": "cannot be read"} if self.unreadable else {})

    def pages(self, revision: int) -> dict[str, Any] | None:
        """What is drawn of it, with its revision; None where that is no other than the one that is known."""
        with self._lock:
            now = self._known.reading.read
            if now == revision:
                return None
            if now != self._pages[0]:
                self._pages = now, pages(self._known)
            return self._pages[1] | {"revision": now}

    def close(self) -> None:
        """Let go of its files."""
        self._dispatcher.close()
        self._tail.close()

    def _take(self, place: str, line: bytes) -> None:
        """What is derived is computed anew, wherever it stands."""
        event = own_event(place, line, self._known.reading)
        if event is not None and self._known.reading.admit(event) and not event.ordinal:
            self._known.run = event.scope.run
            self._dispatcher.deliver(event)
