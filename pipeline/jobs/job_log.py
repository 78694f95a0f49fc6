"""The job's own run: what follows from its ranks, appended, and none of it twice."""

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from nissa.events.codec import written
from nissa.events.event import Event, Scope
from nissa.events.kinds import Payload
from nissa.pipeline.sources import Reading, UnreadableRunError, read_log
from nissa.sinks.run_log import RunLog, is_being_written, segments

__all__ = ["JOB", "CompareElsewhereError", "JobLog", "claim", "is_compared", "owner", "take_over"]

JOB = "job"
"""The directory of the job's own run, in the job's folder."""
_OWNER = "owner"
"""Whoever wrote this file last compares the ranks; others let go."""


class CompareElsewhereError(Exception):
    """Another process compares the ranks of this job; the message names the job."""


class JobLog:
    """A run log that is written anew from the first event of the ranks, whenever somebody begins with it.

    The fold tells the same again, so that as many events are passed over as there are; `different` counts those that
    came out otherwise, as they may where a rank was given up for want of news. Raises CompareElsewhereError while
    another process writes it.
    """

    def __init__(self, folder: Path) -> None:
        self.directory = folder / JOB
        if is_compared(folder):
            raise CompareElsewhereError(f"{folder}: another process compares the ranks of this job")
        known = sum(1 for _ in _events(self.directory))
        self._there = islice(_events(self.directory), known)
        try:
            self._log = RunLog(self.directory, resume=True)
        except FileExistsError:
            raise CompareElsewhereError(f"{folder}: another process compares the ranks of this job") from None
        self._log.go_on(known, 0)
        self._next = self.different = 0

    def tell(self, payload: Payload, where: Scope, time: float) -> Event[Any]:
        """Write an event, unless it is there; it comes back with its number."""
        event: Event[Any] = Event(self._next, time, where, payload)
        self._next += 1
        there = next(self._there, None)
        if there is None:
            self._log(event)
        else:
            self.different += _same(there) != _same(event)
        return event

    def flush(self) -> None:
        """Write out what is buffered. Raises OSError, and what is buffered stays."""
        self._log.flush()

    def close(self) -> None:
        """Write out everything. Raises OSError."""
        self._log.close()


def is_compared(folder: Path) -> bool:
    """Whether a process of this machine compares the ranks of a job."""
    return any(map(is_being_written, segments(folder / JOB)[-1:]))


def claim(folder: Path) -> tuple[int, int]:
    """Say that this process compares the ranks from now on; what it then is called."""
    (folder / JOB).mkdir(parents=True, exist_ok=True)
    mine = folder / JOB / f"{_OWNER}.{os.getpid()}"
    mine.write_text(str(os.getpid()))
    mine.replace(folder / JOB / _OWNER)
    return owner(folder) or (0, 0)


def take_over(folder: Path) -> bool:
    """Have the process that compares the ranks of a job let go; False where there is none."""
    if not is_compared(folder):
        return False
    claim(folder)
    return True


def owner(folder: Path) -> tuple[int, int] | None:
    """Who claimed the job last; None where nobody has."""
    with suppress(OSError):
        told = (folder / JOB / _OWNER).stat()
        return told.st_ino, told.st_mtime_ns
    return None


def _events(directory: Path) -> Iterator[Event[Any]]:
    with suppress(UnreadableRunError):
        yield from read_log(directory, Reading())


def _same(event: Event[Any]) -> bytes:
    """All of it but when it was told."""
    return written(Event(event.seq, 0.0, event.scope, event.payload))
