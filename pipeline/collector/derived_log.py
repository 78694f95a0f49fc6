"""What operators derived, beside the log that it follows from: appended, and none of it twice."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from nissa.events.codec import written
from nissa.events.event import Event
from nissa.sinks.run_log import DERIVED, cut_torn_line, lock

__all__ = ["CollectedElsewhereError", "DerivedLog"]


class CollectedElsewhereError(Exception):
    """Another process collects this run; the message names the run."""


class DerivedLog:
    """A consumer of events that writes the derived ones into a file of a run directory.

    Operators are deterministic, so whoever begins again with the first event derives again what is there already, in
    the same order: as many lines are passed over. `different` counts those among them that came out otherwise.

    A log may hold what is derived itself, right behind its cause. So what follows from an event is held until it is
    known that it does not stand there: until the next event is delivered, or `release`.
    Raises CollectedElsewhereError while another one has the file.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / f"{DERIVED}-000001.jsonl"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        if not lock(self._file):
            os.close(self._file)
            raise CollectedElsewhereError(f"{directory}: another process collects this run")
        cut_torn_line(path)
        self._there: Iterator[bytes] = _whole_lines(path)
        self._held: dict[int, bytes] = {}
        self._buffer = bytearray()
        self.written = self.known = self.different = 0

    def __call__(self, event: Event[Any]) -> None:
        if event.ordinal:
            self._held[event.ordinal] = written(event)
        else:
            self.release()

    def inline(self, ordinal: int) -> None:
        """The log holds this one of what follows from the last event."""
        self._held.pop(ordinal, None)

    def release(self) -> None:
        """Nothing that is held stands in the log itself."""
        for line in self._held.values():
            if there := next(self._there, None):
                self.known += 1
                self.different += line != there
            else:
                self._buffer += line
                self.written += 1
        self._held.clear()

    def flush(self) -> None:
        """Write out what is not held. After an OSError the rest stays buffered, to be tried again."""
        while self._buffer:
            del self._buffer[: os.write(self._file, self._buffer)]

    def close(self) -> None:
        """Write out what is not held, and let others have the file."""
        try:
            self.flush()
        finally:
            self._there = iter(())
            os.close(self._file)


def _whole_lines(path: Path) -> Iterator[bytes]:
    """The lines that are there now; what is appended later is not among them."""
    with path.open("rb") as file:
        count = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        file.seek(0)
        yield from islice(file, count)
