"""The runs below a folder, those that began last: found anew every 2 s, and each read a piece at a time in turn."""

import logging
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread

from nissa.cli.runs.report.live.followed import Followed
from nissa.pipeline.following import FOLLOWED, runs_below
from nissa.sinks.printable import printable

__all__ = ["Folder"]

_EVERY = 2.0
"""Seconds between two looks for new runs and new lines."""
_BATCHES = 64
"""Pieces of one run that are read before it is another one's turn."""

_log = logging.getLogger("nissa")


class Folder:
    """What is known of its runs, by their keys. A thread of its own reads; `start` begins."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs: dict[str, Followed] = {}
        self.left_out = 0
        """Runs that there is no room for."""
        self._over = Event()
        self._thread = Thread(target=self._follow, name="nissa-ui", daemon=True)

    def start(self) -> None:
        """Read from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        for run in self.runs.values():
            run.close()

    def note(self) -> str:
        """What a reader of the page should know of it."""
        if not self.runs:
            return f"No run below {printable(str(self.root))} yet: a run is a folder with events-*.jsonl in it."
        return f"The {len(self.runs)} runs that began last; {self.left_out:,} older ones are not read." * bool(
            self.left_out
        )

    def look(self) -> None:
        """Take in runs that are new, and let go of those that are gone."""
        found = runs_below(self.root)
        self.left_out = len(found[FOLLOWED:])
        wanted = {_key(directory): directory for directory in found[:FOLLOWED]}
        runs = {key: self._kept(key) or Followed(directory, key) for key, directory in wanted.items()}
        gone = [run for key, run in self.runs.items() if runs.get(key) is not run]
        self.runs = runs
        for run in gone:
            run.close()

    def _kept(self, key: str) -> Followed | None:
        """The run that is followed already, unless another one took its place."""
        run = self.runs.get(key)
        return None if run is None or run.anew() else run

    def read(self) -> bool:
        """A piece of each run; False where nothing was new."""
        new = [self._read(run) for run in self.runs.values()]
        return any(new)

    def _follow(self) -> None:
        while not self._over.is_set():
            self.look()
            while self.read() and not self._over.is_set():
                pass
            self._over.wait(_EVERY)

    def _read(self, run: Followed) -> bool:
        """A run that cannot be read is told once, and is not asked again."""
        if run.unreadable:
            return False
        try:
            steps = 0
            while steps < _BATCHES and run.step() and not self._over.is_set():
                steps += 1
        except Exception as error:  # noqa: BLE001  # the others go on
            _log.warning("%s", printable(f"{run.directory} cannot be read: {type(error).__name__}: {error}"))
            run.unreadable = True
            return False
        return steps == _BATCHES


def _key(directory: Path) -> str:
    return sha256(str(directory).encode("utf-8", "surrogateescape")).hexdigest()[:16]
