"""Which ranks of a job died, as by `kill -9`? A process that is killed tells no end, and no other rank knows of it."""

import time
from contextlib import suppress
from pathlib import Path

from nissa.pipeline.jobs.collected_job import rank_directories
from nissa.sinks.run_log import DamagedManifestError, is_being_written, listed_segments, segments

__all__ = ["lost_ranks"]

_SILENCE = 30.0
"""Seconds without a line after which nobody writes a log whose lock cannot be seen, as on another machine."""


def lost_ranks(folder: Path) -> list[int]:
    """The ranks whose logs were never closed, and nobody writes them any more."""
    return [rank for rank, directory in rank_directories(folder).items() if _is_lost(directory)]


def _is_lost(directory: Path) -> bool:
    *_, last = segments(directory)
    with suppress(DamagedManifestError, OSError):
        closed = any(row["name"] == last.name for row in listed_segments(directory))
        return not closed and not is_being_written(last) and time.time() - last.stat().st_mtime > _SILENCE
    return False
