"""The run directory: JSON lines in rotated segments, the source of truth.

    context.json            what was started, as soon as it was
    events-000001.jsonl     the events, derived ones included; then -000002 and so on
    manifest.json           the segments, whether the log was closed, how many events were lost on their way or with
                            a segment that was removed, and whether it is whole: closed with the end of the run, and
                            nothing lost; replaced, never written into
    dead-letters.jsonl      events that some part choked on, if there were any

After `kill -9` everything flushed is there; the last line may be torn, and readers skip it and say so.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from nissa.events.codec import SCHEMA_VERSION, written
from nissa.events.event import Event
from nissa.events.kinds import RunEnded, RunStarted
from nissa.events.salvage import salvaged
from nissa.sinks.manifest import MANIFEST, DamagedManifestError, listed_segments

__all__ = ["DEAD_LETTERS", "PACKED", "RunLog", "segments"]

DEAD_LETTERS = "dead-letters.jsonl"
PACKED = (".zst", ".xz", ".gz", "")
"""What a nightly job that saves room adds to the name of a segment; nothing, where it was not there yet."""
_CONTEXT = "context.json"
_BUFFER = 1 << 16


def segments(directory: Path) -> list[Path]:
    """The segments of a run directory, in order, packed ones too; empty if it is none.

    Of a segment that is there both plain and packed, the plain one.
    """
    found = {
        file.name.partition(".jsonl")[0]: file
        for ending in PACKED
        for file in directory.glob(f"events-*.jsonl{ending}")
    }
    return [found[name] for name in sorted(found)]


@dataclass(slots=True)
class _Segment:
    """A row of the manifest."""

    name: str
    events: int | None = 0
    """None where a killed process did not say it."""
    bytes: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    closed: bool = False

    def add(self, seq: int, size: int) -> None:
        self.events = (self.events or 0) + 1
        self.bytes += size
        self.last_seq = seq
        if self.first_seq is None:
            self.first_seq = seq


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
        if before and not resume:
            raise FileExistsError(
                f"{directory} holds a run already: choose another directory, move it away, or go on with resume=True"
            )
        self.directory = directory
        self.torn = _cut_torn_line(before[-1]) if before else None
        self._rotate, self._fsync = rotate, fsync
        self._segments = _earlier(directory, before)
        self._buffer = bytearray()
        self._next_seq: int | None = None if before else 0
        self._lost = 0
        self._ended = False
        self._synced = time.monotonic()
        self._closed = False
        self._open_segment()
        self._write_manifest()

    def __call__(self, event: Event[Any]) -> None:
        line = written(event)
        # Whatever can fail comes before the line is taken, so that a caller may try again without doubling it.
        if isinstance(event.payload, RunStarted):
            self._write_context(event)
        if len(self._buffer) >= _BUFFER:
            self._write_out()
        self._buffer += line
        self._segment.add(event.seq, len(line))
        self._follow(event)

    def go_on(self, next_seq: int, lost: int) -> None:
        """What the earlier lives of the run come to: the number of the next event, and how many were lost."""
        self._next_seq, self._lost = next_seq, lost

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

    def _follow(self, event: Event[Any]) -> None:
        """Numbers of emitted events have no gaps, but where one was lost."""
        if event.ordinal:
            return
        if self._next_seq is not None:
            self._lost += max(0, event.seq - self._next_seq)
        self._next_seq = event.seq + 1
        self._ended = isinstance(event.payload, RunEnded)

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
        self._segment = _Segment(name)
        self._segments.append(self._segment)

    def _finish(self, file: int, segment: _Segment) -> None:
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

    def _write_context(self, event: Event[RunStarted]) -> None:
        context = {"v": SCHEMA_VERSION, "run": event.scope.run, "time": event.time, **salvaged(event.payload)}
        self._replace(_CONTEXT, context)

    def _replace(self, name: str, content: dict[str, Any]) -> None:
        temporary = self.directory / f"{name}.tmp"
        temporary.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        temporary.replace(self.directory / name)


def _earlier(directory: Path, files: list[Path]) -> list[_Segment]:
    """The rows of segments that are there already. What a killed process did not say of its last one is not known."""
    try:
        told = {row["name"]: _Segment(**row) for row in listed_segments(directory)}
    except (DamagedManifestError, TypeError):
        told = {}
    names = {file.name.partition(".jsonl")[0] + ".jsonl": file for file in files}
    return [told.get(name) or _Segment(name, None, file.stat().st_size, closed=True) for name, file in names.items()]


def _cut_torn_line(segment: Path) -> int:
    """Take a last line without an end off a plain segment; how many bytes it had."""
    if segment.suffix != ".jsonl":
        return 0
    with segment.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end and not (piece := _before(file, end)).count(b"\n"):
            end -= len(piece)
        whole = end - len(piece) + piece.rindex(b"\n") + 1 if end else 0
        file.truncate(whole)
    return size - whole


def _before(file: BinaryIO, end: int) -> bytes:
    """Up to `_BUFFER` bytes of a file that stand before a place."""
    begin = file.seek(max(0, end - _BUFFER))
    return file.read(end - begin)
