"""What a page says of one run, as its log grows. Nothing is written to its directory."""

from pathlib import Path
from threading import Lock
from typing import Any

from nissa.cli.runs.report.page import entry, pages
from nissa.cli.runs.report.taking import Known
from nissa.pipeline.following import FollowedRun

__all__ = ["Followed"]


class Followed:
    """One thread calls `step`; others may ask for what is known so far."""

    def __init__(self, directory: Path, key: str) -> None:
        self.directory, self.key = directory, key
        self._known = Known(directory)
        self._run = FollowedRun(directory, self._known.consumers)
        self._known.reading, self._known.tables = self._run.reading, self._run.tables
        self._lock = Lock()
        self._pages: tuple[int, dict[str, Any]] = (-1, {})
        self._live = False
        self.unreadable = False
        """Set by whoever found it so: it is not to be asked again."""

    def step(self) -> bool:
        """Work off some of what was written since the last call; False if there was nothing."""
        with self._lock:
            new = self._run.step()
            self._known.run, self._live = self._run.name, self._run.state() == "live"
        return new

    def anew(self) -> bool:
        """Whether another run is in its folder now."""
        return self._run.anew()

    def entry(self) -> dict[str, Any]:
        """Its row in the list of runs."""
        with self._lock:
            told = entry(self._known, self.key, live=self._live)
        verdict = {name: text for name, text in self._pages[1].items() if name in {"verdict", "alerts"}}
        return told | verdict | ({"state": "cannot be read"} if self.unreadable else {})

    def pages(self, revision: int) -> dict[str, Any] | None:
        """What is drawn of it, with its revision; None where that is no other than the one that is known."""
        with self._lock:
            now = self._known.reading.read
            if now == revision:
                return None
            if now != self._pages[0]:
                self._pages = now, pages(self._known)
            return self._pages[1] | {"revision": now}

    def close(self) -> None:
        """Let go of its files."""
        self._run.close()
