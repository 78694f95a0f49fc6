"""The segments of a log: which there are, who writes them, and how a torn one is mended."""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["DERIVED", "PACKED", "cut_torn_line", "is_being_written", "lock", "seems_written", "segments"]

DERIVED = "derived"
"""How the names of files begin that hold what a collector derived."""
PACKED = (".zst", ".xz", ".gz", "")
"""What a nightly job that saves room adds to the name of a segment; nothing, where it was not there yet."""
_PIECE = 1 << 16
_TRIES, _PAUSE = 20, 0.001
_SILENCE = 30.0
"""Seconds without a line after which nobody writes a log whose lock cannot be seen; a heartbeat comes every five."""


def segments(directory: Path, prefix: str = "events") -> list[Path]:
    """The segments of a run directory, in order, packed ones too; empty if it is none.

    Of a segment that is there both plain and packed, the plain one.
    """
    found: dict[str, str] = {}
    # A collector looks every few milliseconds: one listing.
    with suppress(OSError):
        there = [name for name in os.listdir(directory) if name.startswith(f"{prefix}-")]
        for ending in PACKED:
            found |= {name.partition(".jsonl")[0]: name for name in there if name.endswith(f".jsonl{ending}")}
    return [directory / found[name] for name in sorted(found)]


def lock(file: int) -> bool:
    """Show that a process writes this open file, as long as it lives; False while another one does.

    Whoever asks `is_being_written` has the file for a moment, so it is tried for a while.
    """
    for _ in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:
            return True  # there are file systems without locks
        else:
            return True
    return False


def is_being_written(file: Path) -> bool:
    """Whether a process of this machine has a segment open for writing."""
    with suppress(OSError), file.open("rb") as content:
        try:
            fcntl.flock(content, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def seems_written(file: Path) -> bool:
    """Whether a process writes a segment, or did just now: the lock of another machine is not seen."""
    with suppress(OSError):
        return is_being_written(file) or time.time() - file.stat().st_mtime < _SILENCE
    return False


def cut_torn_line(segment: Path) -> int:
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
    """Up to `_PIECE` bytes of a file that stand before a place."""
    begin = file.seek(max(0, end - _PIECE))
    return file.read(end - begin)
