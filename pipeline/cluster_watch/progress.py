"""How far was each run read? What the job wrote of it, read on as files come: each is whole once it has its name."""

import json
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Place", "Progress"]


class Place(NamedTuple):
    """Up to where the log of a run was read."""

    segment: int = 0
    """Number of the segment; 0 before the first."""
    offset: int = 0
    """Bytes of it."""
    ended: bool = False
    """Whether the last event told the end of the run."""


class Progress:
    """Reads `progress/` of a job's output; a line that is none is passed over."""

    def __init__(self, out: Path) -> None:
        self._folder = out / "progress"
        self._read: set[str] = set()
        self._at: dict[str, float] = {}
        self.places: dict[str, Place] = {}
        """By run: its directory, relative to the folder of logs."""

    def look(self) -> None:
        """Take in the files that are new. Those that somebody took away are forgotten, and what they said is not."""
        try:
            names = {file.name for file in self._folder.iterdir() if not file.name.startswith((".", "_"))}
        except OSError:
            return
        for name in sorted(names - self._read):
            try:
                lines = (self._folder / name).read_bytes().splitlines()
            except OSError:
                names.discard(name)
                continue
            for line in lines:
                self._take(line)
        self._read = names

    def _take(self, line: bytes) -> None:
        try:
            told: Any = json.loads(line)
            run, at = str(told["run"]), float(told["at"])
            place = Place(int(told["segment"]), int(told["offset"]), bool(told["ended"]))
        except (ValueError, LookupError, TypeError):
            return
        # Files of several tasks come in any order.
        if at >= self._at.get(run, at):
            self._at[run], self.places[run] = at, place
