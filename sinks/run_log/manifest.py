"""What does a run directory say of its segments? `manifest.json` may be damaged, or anything: it is checked here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

__all__ = ["MANIFEST", "DamagedManifestError", "Segment", "earlier_segments", "listed_segments"]

MANIFEST = "manifest.json"
_LARGEST = 16 << 20
"""Bytes; a row has about 150, and there are no 100,000 segments."""
_COUNTS = ("events", "first_seq", "last_seq")


class DamagedManifestError(ValueError):
    """There is no manifest, or it is none; the message says what is there instead."""


@dataclass(slots=True)
class Segment:
    """A row of the manifest."""

    name: str
    events: int | None = 0
    """None where a killed process did not say it."""
    bytes: int = 0
    first_seq: int | None = None
    last_seq: int | None = None
    closed: bool = False

    def add(self, first: int, last: int, events: int, size: int) -> None:
        """Count events, and the bytes of their lines."""
        self.events = (self.events or 0) + events
        self.bytes += size
        self.last_seq = last
        if self.first_seq is None:
            self.first_seq = first


def listed_segments(directory: Path) -> list[dict[str, Any]]:
    """The rows of the segments that were closed, each with a name and its bytes. Raises DamagedManifestError."""
    try:
        with (directory / MANIFEST).open("rb") as file:
            text = file.read(_LARGEST + 1)
    except OSError as error:
        raise DamagedManifestError(f"{MANIFEST}: cannot be read: {error.strerror}") from None
    if len(text) > _LARGEST:
        raise DamagedManifestError(f"{MANIFEST}: larger than {_LARGEST >> 20} MiB, so it is none")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise DamagedManifestError(f"{MANIFEST}: not JSON: {error}") from None
    rows = found.get("segments") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise DamagedManifestError(f"{MANIFEST}: must hold a list `segments` of rows with name, bytes and closed")
    return [row for row in rows if row["closed"]]


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or type(row.get("name")) is not str or type(row.get("closed")) is not bool:
        return False
    return _is_count(row.get("bytes")) and all(row.get(name) is None or _is_count(row[name]) for name in _COUNTS)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def earlier_segments(directory: Path, files: list[Path]) -> list[Segment]:
    """The rows of segments that are there already. What a killed process did not say of its last one is not known."""
    try:
        told = {row["name"]: Segment(**row) for row in listed_segments(directory)}
    except (DamagedManifestError, TypeError):
        told = {}
    names = {file.name.partition(".jsonl")[0] + ".jsonl": file for file in files}
    return [told.get(name) or Segment(name, None, file.stat().st_size, closed=True) for name, file in names.items()]
