"""The sink that writes a run directory."""

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from nissa.events.codec import SCHEMA_VERSION, written, written_together
from nissa.events.event import Event
from nissa.events.kinds import RunEnded, RunStarted
from nissa.events.salvage import salvaged
from nissa.sinks.run_log.directory import cut_torn_line, is_being_written, lock, segments
from nissa.sinks.run_log.manifest import MANIFEST, Segment, earlier_segments
from nissa.sinks.run_log.size import LogSize

__all__ = ["DEAD_LETTERS", "RunLog"]

DEAD_LETTERS = "dead-letters.jsonl"
_CONTEXT = "context.json"
_BUFFER = 1 << 16
"""Bytes of lines that wait to be written together."""
_MOST = 16 << 20
"""Bytes of lines that wait at most, where the disk is full."""
_SHARED = (
    "{} is being written by another run now: each process, and each rank of a training, needs a directory of its own, "
    "or only one of them has telemetry. In a notebook, close the Telemetry of the cell that ran before"
)


class RunLog:
    """A sink that writes a run directory, which must not hold a run yet, unless it is to `resume`.

    To resume is to begin the next segment; a torn last line of the one before, which nobody could read, is cut off, and
    `torn` says how many bytes that were; it is None where there was nothing to resume.

    `rotate` is the size in bytes from which a new segment begins; `fsync` the seconds between forced writes to the
    device, which guard against a crash of the machine (0: at each flush; infinity: at the end of a segment only).
    An event with a value that JSON has no form for is written as well as it goes; UnwritableEventError is raised of one
    that no reader would take even so. Raises FileExistsError if there is a run in the directory, ValueError on a size
    below 1.
    """

    def __init__(self, directory: Path, *, rotate: int = 64 << 20, fsync: float = 1.0, resume: bool = False) -> None:
        if rotate < 1:
            raise ValueError(f"rotate must be at least 1 byte, not {rotate}")
        directory.mkdir(parents=True, exist_ok=True)
        before = segments(directory)
        if before and is_being_written(before[-1]):
            raise FileExistsError(_SHARED.format(directory))
        if before and not resume:
            raise FileExistsError(
                f"{directory} holds a run already: choose another directory, move it away, or go on with resume=True"
            )
        self.directory = directory
        self.torn = cut_torn_line(before[-1]) if before else None
        self._rotate, self._fsync = rotate, fsync
        self._segments = earlier_segments(directory, before)
        self._buffer, self._size = bytearray(), LogSize()
        self._next_seq: int | None = None if before else 0
        self._lost = 0
        self._context: Event[RunStarted] | None = None
        self._ended = False
        self._synced = time.monotonic()
        self._closed = False
        try:
            self._open_segment()
        except FileExistsError:  # another one was quicker
            raise FileExistsError(_SHARED.format(directory)) from None
        self._write_manifest()

    def __call__(self, event: Event[Any]) -> None:
        line = written(event)
        # Whatever can fail comes before the line is taken, so that a caller may try again without doubling it.
        self._make_room()
        if isinstance(event.payload, RunStarted):
            self._context = event
            # Where there is no room for it now, `flush` tries again, and says so.
            with suppress(OSError):
                self._write_context()
        self._buffer += line
        self._segment.add(event.seq, event.seq, 1, len(line))
        self._size.add([event.payload], line)
        self._follow([] if event.ordinal else [event])

    def take_all(self, events: Sequence[Event[Any]]) -> bool:
        """Take several events; False, and none is taken, where one of them needs a look of its own."""
        if RunStarted in {type(event.payload) for event in events} or (lines := written_together(events)) is None:
            return False
        self._make_room()
        self._buffer += lines
        self._segment.add(events[0].seq, events[-1].seq, len(events), len(lines))
        self._size.add([event.payload for event in events], lines)
        self._follow([event for event in events if not event.ordinal])
        return True

    def go_on(self, next_seq: int, lost: int) -> None:
        """What the earlier lives of the run come to: the number of the next event, and how many were lost."""
        self._next_seq, self._lost = next_seq, lost

    @property
    def size(self) -> tuple[int, int]:
        """Bytes of the lines that were taken, and of those among them that tell what looks measured."""
        return self._size.all, self._size.looks

    @property
    def following(self) -> int:
        """The number behind that of the last emitted event that was taken."""
        return self._next_seq or 0

    @property
    def unwritten(self) -> int:
        """Events that were taken and are not in the file yet, or not to their last byte."""
        return self._buffer.count(b"\n")

    def flush(self) -> None:
        """Write out what is buffered. After an OSError the rest stays buffered, to be tried again.

        Where somebody removed the directory, or the segment, it is made anew for what follows, and FileNotFoundError
        says once that what was in it is gone.
        """
        self._notice_removal()
        self._write_out()
        # Behind the lines, which are not to wait for it.
        self._write_context()

    def _write_out(self) -> None:
        while self._buffer:
            written = os.write(self._file, self._buffer)
            del self._buffer[:written]
        if time.monotonic() - self._synced >= self._fsync:
            os.fsync(self._file)
            self._synced = time.monotonic()
        if self._segment.bytes >= self._rotate:
            self._next_segment()

    def close(self) -> None:
        """Write out everything and say in the manifest that the log is whole. Closing again does nothing."""
        if self._closed:
            return
        self.flush()
        self._closed = True
        self._finish(self._file, self._segment)
        self._write_manifest()

    def after_fork(self) -> None:
        """In a forked child: the segment is the parent's, which is to be seen as its only writer."""
        if not self._closed:
            self._closed = True
            os.close(self._file)

    def _make_room(self) -> None:
        if len(self._buffer) < _BUFFER:
            return
        try:
            self._write_out()
        except OSError:
            # `flush` fails of the same, and says so. What can wait here is no event's end.
            if len(self._buffer) >= _MOST:
                raise

    def _follow(self, emitted: Sequence[Event[Any]]) -> None:
        """Numbers of emitted events have no gaps, but where one was lost."""
        if emitted:
            first, last = emitted[0].seq if self._next_seq is None else self._next_seq, emitted[-1]
            self._next_seq = last.seq + 1
            self._lost += max(0, self._next_seq - first - len(emitted))
            self._ended = isinstance(last.payload, RunEnded)

    def _notice_removal(self) -> None:
        if os.fstat(self._file).st_nlink:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        waiting = self.unwritten
        gone = [segment for segment in self._segments if not (self.directory / segment.name).exists()]
        self._lost += sum(segment.events or 0 for segment in gone) - waiting
        self._next_segment()
        self._segments = [segment for segment in self._segments if segment not in gone]
        self._segment.events, self._segment.bytes = waiting, len(self._buffer)
        self._write_manifest()
        raise FileNotFoundError(f"{self.directory} was removed while the run went on, and with it what was written")

    def _next_segment(self) -> None:
        # The next file is there before the last one goes: whatever fails, there is always one to write to.
        done, segment = self._file, self._segment
        self._open_segment()
        self._finish(done, segment)
        self._write_manifest()

    def _open_segment(self) -> None:
        last = int(self._segments[-1].name[7:-6]) if self._segments else 0
        name = f"events-{last + 1:06}.jsonl"
        self._file = os.open(self.directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        lock(self._file)
        self._segment = Segment(name)
        self._segments.append(self._segment)

    def _finish(self, file: int, segment: Segment) -> None:
        try:
            os.fsync(file)
            segment.closed = True
        finally:
            os.close(file)

    def _write_manifest(self) -> None:
        whole = self._closed and self._ended and not self._lost
        told = {"closed": self._closed, "whole": whole, "lost": self._lost}
        manifest = {"v": SCHEMA_VERSION, **told, "segments": self._segments}
        self._replace(MANIFEST, manifest)

    def _write_context(self) -> None:
        if event := self._context:
            context = {"v": SCHEMA_VERSION, "run": event.scope.run, "time": event.time, **salvaged(event.payload)}
            self._replace(_CONTEXT, context)
            self._context = None

    def _replace(self, name: str, content: dict[str, Any]) -> None:
        temporary = self.directory / f"{name}.tmp"
        temporary.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        temporary.replace(self.directory / name)
