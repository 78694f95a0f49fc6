"""Which runs are below a folder? Those that began last come first; links are not followed, nor hidden folders."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

from nissa.sinks.run_log import segments

__all__ = ["FOLLOWED", "directories", "runs_below", "runs_meant"]

FOLLOWED = 50
"""Runs of a folder that one onlooker follows."""
_DEEP = 5
"""Folders in folders that are looked into."""
_FOLDERS = 10_000
"""Folders that are looked into."""


def runs_below(root: Path) -> list[Path]:
    """The run directories at and below a folder, the one that began last first."""
    found = [root] if segments(root) else directories(root, most=_FOLDERS)
    return sorted(found, key=_began, reverse=True)


def runs_meant(path: Path) -> list[Path]:
    """The runs that whoever names `path` means: those below a folder that is none itself, as many as are followed.

    Where there are none yet, it is the run that is to come.
    """
    within = [] if segments(path) or path.is_file() else runs_below(path)[:FOLLOWED]
    return within or [path]


def directories(root: Path, most: float = inf, is_run: Callable[[Path], object] = segments) -> Iterator[Path]:
    """The run directories below a folder, in no run another, from `most` folders of all that are there."""
    looked, waiting = 0, deque((folder, 1) for folder in _folders(root))
    while waiting and looked < most:
        folder, depth = waiting.popleft()
        looked += 1
        if is_run(folder):
            yield folder
        elif depth <= _DEEP:
            waiting += [(inner, depth + 1) for inner in _folders(folder)]


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if not e.name.startswith(".") and e.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [folder / name for name in names]


def _began(directory: Path) -> float:
    try:
        return segments(directory)[0].stat().st_mtime
    except (OSError, IndexError):
        return 0.0
