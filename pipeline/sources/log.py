"""Events from a recorded run: a run directory, one of its segments, or any file of such lines."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from nissa.events.codec import MalformedLineError, Unknown, decode
from nissa.events.scope import Event
from nissa.sinks.run_log import MANIFEST, segments

__all__ = ["LONGEST_LINE", "Reading", "UnreadableRunError", "read_log"]

LONGEST_LINE = 64 << 20
"""Bytes of a line; a longer one is read in pieces, none of which is an event."""
_EXAMPLES = 10


class UnreadableRunError(Exception):
    """There is no run where one was asked for; the message says what is there instead."""


@dataclass(slots=True)
class Reading:
    """What was found in a log, counted as it is read."""

    read: int = 0
    """Emitted events."""
    derived: int = 0
    """Derived events."""
    by_kind: Counter[str] = field(default_factory=Counter)
    """Emitted events by kind."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Kinds, and fields (as kind.field), that this version does not know; all are carried."""
    malformed: int = 0
    """Lines that are no events, the torn one included."""
    duplicates: int = 0
    """Events seen before; they are skipped."""
    problems: list[str] = field(default_factory=list)
    """The first few things that are wrong, each with its file and line."""
    last_seq: dict[str, int] = field(default_factory=dict)
    """Highest number seen, by run."""

    @property
    def dropped(self) -> int:
        """Events that never reached the log: the gaps in `seq`."""
        return sum(last + 1 for last in self.last_seq.values()) - self.read

    def summary(self) -> dict[str, Any]:
        """The counts as plain data."""
        return {
            "read": self.read,
            "by_kind": dict(sorted(self.by_kind.items())),
            "derived": self.derived,
            "unknown": dict(sorted(self.unknown.items())),
            "malformed": self.malformed,
            "duplicates": self.duplicates,
            "dropped": self.dropped,
            "problems": self.problems,
        }


def read_log(path: Path, reading: Reading) -> Iterator[Event[Any]]:
    """The events of a run in their order, each once; what is wrong is counted in `reading` and skipped.

    Raises UnreadableRunError if there is nothing at `path`, a directory that is no run, or no event in it.
    """
    for file in _find(path, reading):
        for number, line in enumerate(_lines(file), start=1):
            try:
                event = decode(line)
            except MalformedLineError as error:
                torn = "" if line.endswith(b"\n") else "torn last line: "
                _wrong(reading, f"{file.name}:{number}: {torn}{error}")
                reading.malformed += 1
                continue
            if _new(event, reading):
                yield event
    if not reading.read:
        empty = "It holds derived events only." if reading.derived else "It is empty."
        raise UnreadableRunError(f"{path}: no line of it is an event. " + (reading.problems or [empty])[0])


def _find(path: Path, reading: Reading) -> list[Path]:
    try:
        return _files(path, reading)
    except OSError as error:
        raise UnreadableRunError(f"{path}: {error.strerror}") from None


def _files(path: Path, reading: Reading) -> list[Path]:
    if not path.exists():
        raise UnreadableRunError(f"{path}: there is no such file or directory")
    if not path.is_dir():
        return [path]
    if not (files := segments(path)):
        raise UnreadableRunError(f"{path}: this directory holds no run (no events-*.jsonl in it)")
    _check_manifest(path, files, reading)
    return files


def _lines(file: Path) -> Iterator[bytes]:
    try:
        with file.open("rb") as lines:
            while line := lines.readline(LONGEST_LINE):
                if line.strip():
                    yield line
    except OSError as error:
        raise UnreadableRunError(f"{file}: {error.strerror}") from None


def _new(event: Event[Any], reading: Reading) -> bool:
    """Count an event; False if it was there before."""
    last = reading.last_seq.get(event.scope.run, -1)
    if event.ordinal:
        reading.derived += 1
        return True
    if event.seq <= last:
        reading.duplicates += 1
        return False
    reading.last_seq[event.scope.run] = event.seq
    reading.read += 1
    kind = event.payload.kind
    reading.by_kind[kind] += 1
    if isinstance(event.payload, Unknown):
        reading.unknown[kind] += 1
    for name in event.extra or ():
        reading.unknown[f"{kind}.{name}"] += 1
    return True


def _check_manifest(path: Path, files: list[Path], reading: Reading) -> None:
    """Say which closed segments are missing or shorter than they were."""
    try:
        listed = orjson.loads((path / MANIFEST).read_bytes())["segments"]
        closed = {segment["name"]: segment["bytes"] for segment in listed if segment.get("closed")}
    except (OSError, ValueError, KeyError, TypeError):
        return _wrong(reading, f"{MANIFEST}: missing or damaged; reading all segments there are")
    sizes = {file.name: file.stat().st_size for file in files if file.exists()}
    for name, size in closed.items():
        if sizes.get(name) != size:
            _wrong(reading, f"{name}: {sizes.get(name, 0)} bytes, but {size} when it was closed")
    return None


def _wrong(reading: Reading, problem: str) -> None:
    if len(reading.problems) < _EXAMPLES:
        # A file name may hold what is no text.
        reading.problems.append(problem.encode("utf-8", "replace").decode())
