"""Which ranks of a job died, as by `kill -9`? A process that is killed tells no end, and no other rank knows of it."""

from contextlib import suppress
from pathlib import Path

from nissa.pipeline.jobs.collected_job import rank_directories
from nissa.sinks.run_log import DamagedManifestError, listed_segments, seems_written, segments

__all__ = ["lost_ranks"]


def lost_ranks(folder: Path) -> list[int]:
    """The ranks whose logs were never closed, and nobody writes them any more."""
    return [rank for rank, directory in rank_directories(folder).items() if _is_lost(directory)]


def _is_lost(directory: Path) -> bool:
    *_, last = segments(directory)
    with suppress(DamagedManifestError):
        return not any(row["name"] == last.name for row in listed_segments(directory)) and not seems_written(last)
    return False
