"""Which runs are to be looked at now? Asked at each tick, it names those that are written, and the others in turn.

Nothing of it has to outlive its process: one that begins anew names all runs, and who has read them finds nothing.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from nissa.pipeline.following import directories
from nissa.sinks.run_log import segments

__all__ = ["LiveRuns"]

_LIVE = 10.0
"""Seconds without a new byte after which a run is looked at in turn only."""
_IN_TURN = 64
"""Runs that are looked at in turn at each tick, or a sixtieth of them where that is more."""
_NEW = 50
"""Runs that are named at a tick for the first time, at most."""
_SHARE = 20
"""The folder is looked through anew after so many times as long as that took, and a second at least."""


@dataclass(slots=True)
class _Run:
    size: int = 0
    changed: float | None = None
    """When it was seen to have grown; None: it was not looked at."""
    owed: int = 0
    """Looks that it takes to read what was written."""


class LiveRuns:
    """The runs below a folder, by their directories relative to it. `look` is how many bytes one look reads, and
    `budget` how many looks at a tick are spent on what was left behind."""

    def __init__(self, logs: Path, look: int, budget: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._logs, self._look, self._budget, self._clock = logs, look, budget, clock
        self._runs: dict[str, _Run] = {}
        self._walk_at = float("-inf")
        self._turn = 0

    def tick(self) -> list[str]:
        """The runs to look at, one of which much is unread several times."""
        now = self._clock()
        if now >= self._walk_at:
            for run in self._walk():
                self._runs.setdefault(run, _Run())
            after = self._clock()
            self._walk_at = after + max(1.0, _SHARE * (after - now))
        # Of very many that are new, some at each tick: a checkpoint waits for all looks that were asked for before it.
        new = [name for name, run in self._runs.items() if run.changed is None][:_NEW]
        live = [
            name
            for name, run in self._runs.items()
            if run.owed or (run.changed is not None and now - run.changed < _LIVE)
        ]
        live += new
        asked = [*live, *self._in_turn(set(live))]
        for name in asked:
            self._weigh(name, now)
        return asked + self._behind(live)

    def _behind(self, live: list[str]) -> list[str]:
        """Further looks at runs of which one look does not read all, each in its turn."""
        more, left = list[str](), self._budget
        for run in (self._runs[name] for name in live):
            run.owed = max(0, run.owed - 1)
        while left > 0 and (owing := [name for name in live if self._runs[name].owed][:left]):
            for name in owing:
                self._runs[name].owed -= 1
            more += owing
            left -= len(owing)
        return more

    def _in_turn(self, live: set[str]) -> list[str]:
        quiet = [name for name, run in self._runs.items() if run.changed is not None and name not in live]
        count = min(len(quiet), max(_IN_TURN, len(quiet) // 60))
        begin, self._turn = self._turn, self._turn + count
        return [quiet[(begin + n) % len(quiet)] for n in range(count)]

    def _weigh(self, name: str, now: float) -> None:
        run, size = self._runs[name], 0
        for file in segments(self._logs / name):
            try:
                size += file.stat().st_size
            except OSError:
                continue  # packed away since it was listed
        if size != run.size or run.changed is None:
            run.owed += max(0, size - run.size) // self._look + 1
            run.size, run.changed = size, now

    def _walk(self) -> Iterator[str]:
        return map(self._name, directories(self._logs, is_run=self._is_run))

    def _is_run(self, folder: Path) -> bool:
        # One that is known need not be looked into.
        return self._name(folder) in self._runs or bool(segments(folder))

    def _name(self, run: Path) -> str:
        return str(run.relative_to(self._logs))
