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
    Raises CollectedElsewhereError while another one has the file.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / f"{DERIVED}-000001.jsonl"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            lock(self._file)
        except BlockingIOError:
            os.close(self._file)
            raise CollectedElsewhereError(f"{directory}: another process collects this run") from None
        cut_torn_line(path)
        self._there: Iterator[bytes] = _whole_lines(path)
        self._buffer = bytearray()
        self._muted, self._before = False, 0
        self.written = self.known = self.different = 0

    def __call__(self, event: Event[Any]) -> None:
        if not event.ordinal or self._muted:
            return
        line = written(event)
        if there := next(self._there, None):
            self.known += 1
            self.different += line != there
        else:
            self._buffer += line
            self.written += 1

    def mute(self) -> None:
        """The log holds what is derived itself, from the event on that was read last: nothing of it is written again.

        To be called before the next `flush`.
        """
        if not self._muted:
            self._muted = True
            del self._buffer[self._before :]

    def begin(self) -> None:
        """The next event comes."""
        self._before = len(self._buffer)

    def flush(self) -> None:
        """Write out what is buffered. After an OSError the rest stays buffered, to be tried again."""
        while self._buffer:
            del self._buffer[: os.write(self._file, self._buffer)]

    def close(self) -> None:
        """Write out everything, and let others have the file."""
        self.flush()
        os.close(self._file)


def _whole_lines(path: Path) -> Iterator[bytes]:
    """The lines that are there now; what is appended later is not among them."""
    with path.open("rb") as file:
        count = sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        file.seek(0)
        yield from islice(file, count)
