"""What does a run directory say of its segments? `manifest.json` may be damaged, or anything: it is checked here."""

from pathlib import Path
from typing import Any

import orjson

__all__ = ["MANIFEST", "DamagedManifestError", "listed_segments"]

MANIFEST = "manifest.json"
_LARGEST = 16 << 20
"""Bytes; a row has about 150, and there are no 100,000 segments."""
_COUNTS = ("events", "first_seq", "last_seq")


class DamagedManifestError(ValueError):
    """There is no manifest, or it is none; the message says what is there instead."""


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
