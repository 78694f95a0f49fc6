"""What is there to see of the runs? A thread reads them, and leaves a finished look at each for the screen to show."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nissa.cli.monitor.courses import Courses, Place
from nissa.events.event import natural_order
from nissa.pipeline.following import FollowedRun, runs_meant
from nissa.pipeline.sources import UnreadableRunError

__all__ = ["Look", "Looks"]

_EVERY, _PAUSE = 0.5, 0.1
"""Seconds between two looks at a run that goes on, and between two at its files."""
_NEW = 2.0
"""Seconds between two looks for runs that are new."""
_NOTHING: Mapping[str, list[dict[str, Any]]] = {}


@dataclass(frozen=True)
class Look:
    """A run as it stood at one moment: its tables, as `Tables.snapshot()` has them, and its courses."""

    path: Path
    name: str
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    courses: Courses = field(default_factory=Courses)
    state: str = "live"
    outcome: str | None = None
    events: int = 0
    waiting: int = 0
    """Bytes of the log that are not read yet."""
    problem: str = ""
    """Why it cannot be read, or what of it could not."""

    @property
    def places(self) -> list[Place]:
        """Groups and environments, in their order."""
        return sorted(self.courses.places.copy(), key=lambda place: tuple(map(natural_order, place)))

    def rows(self, table: str, place: Place | None = None, text: str = "") -> list[Mapping[str, Any]]:
        """Rows of a table: those of a place, or of all, in which a text stands somewhere, whatever its case."""
        found = self.tables.get(table, ())
        return [row for row in found if _is_of(row, place) and text.lower() in _words(row)]


class Looks:
    """Follows what is `asked` for, runs or folders of them, on a thread of its own; `current` has the last looks."""

    def __init__(self, asked: Sequence[Path]) -> None:
        self._asked = asked
        self._runs: dict[Path, _Run] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nissa-looks", daemon=True)
        self._find()

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._closing.set()
        self._thread.join(5)

    def _run(self) -> None:
        found = time.monotonic()
        while not self._closing.is_set():
            if time.monotonic() > found + _NEW:
                self._find()
                found = time.monotonic()
            self._closing.wait(0 if self._read() else _PAUSE)
        for run in self._runs.values():
            run.followed.close()

    def _find(self) -> None:
        """Runs that are new stand behind the others; those that are gone are let go of."""
        wanted = dict.fromkeys(path for one in self._asked for path in runs_meant(one))
        kept = {path: run for path, run in self._runs.items() if path in wanted}
        gone = [run for path, run in self._runs.items() if path not in wanted]
        self._runs = kept | {path: _Run(path) for path in wanted if path not in kept}
        self.current = [run.look for run in self._runs.values()]
        for run in gone:
            run.followed.close()

    def _read(self) -> bool:
        """Some of each; whether there may be more."""
        more = False
        for nth, (path, was) in enumerate(self._runs.items()):
            run = self._runs[path] = _again(was)
            more |= run.step(self._closing.is_set)
            self.current[nth] = run.look
        return more


class _Run:
    """One run, read for a while at a time."""

    def __init__(self, path: Path) -> None:
        self.courses = Courses()
        self.followed = FollowedRun(path, {"courses": self.courses})
        self.look = Look(path, path.name)
        self._told, self._failed = True, False

    def step(self, closing: Callable[[], bool]) -> bool:
        """Take in what there is, for `_EVERY` seconds at most; whether there may be more."""
        if self._failed:
            return False
        until, more = time.monotonic() + _EVERY, True
        try:
            while more and time.monotonic() < until and not closing():
                more = self.followed.step()
                self._told |= more
        except (UnreadableRunError, OSError) as error:
            # Whoever failed once has nothing to go on from: what was seen stays, and why there is no more.
            self._failed, self.look = True, replace(self.look, state="unreadable", problem=str(error))
            return False
        state = self.followed.state()
        if self._told or state != self.look.state:
            self._look(state)
        return more

    def _look(self, state: str) -> None:
        run, self._told = self.followed, False
        self.look = Look(
            path=run.path,
            name=run.name or run.path.name,
            tables=run.tables.snapshot(),
            courses=self.courses,
            state=state,
            outcome=run.outcome,
            events=run.reading.read,
            waiting=run.waiting(),
            problem=_problem(run) if state != "live" else "",
        )


def _again(run: _Run) -> _Run:
    """The run, or another one that took its place."""
    if not run.followed.anew():
        return run
    run.followed.close()
    return _Run(run.followed.path)


def _problem(run: FollowedRun) -> str:
    return run.reading.complaint() or ("" if run.reading.read else "no event yet")


def _is_of(row: Mapping[str, Any], place: Place | None) -> bool:
    return place is None or (row.get("group"), row.get("env", place[1])) in {place, (place[0], None)}


def _words(row: Mapping[str, Any]) -> str:
    return " ".join(str(value) for name, value in row.items() if name != "run" and value is not None).lower()
