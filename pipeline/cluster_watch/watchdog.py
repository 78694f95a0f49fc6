"""Which runs stand still? Those with whole lines that nobody reads: their logs' files against what the job has read."""

import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nissa.pipeline.cluster_watch.job_manager import JobManager
from nissa.pipeline.cluster_watch.progress import Place, Progress
from nissa.pipeline.following import directories
from nissa.sinks.prometheus import ClusterState
from nissa.sinks.run_log import segments

__all__ = ["Watchdog"]

_PIECE = 1 << 16
_NUMBER = re.compile(r"events-(\d+)\.jsonl")


class Watchdog:
    """Looks at a job from outside. One thread calls `look`; any may ask for the `state`."""

    def __init__(
        self, logs: Path, out: Path, manager: JobManager | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logs, self._manager, self._clock = logs, manager, clock
        self._progress = Progress(out)
        self._waits: dict[str, tuple[Place, float]] = {}
        """By run with lines that wait: up to where it was read, and since when that is so."""
        self._state = ClusterState(0, {}, None, 0, 0)

    def state(self) -> ClusterState:
        """As the last look found it."""
        return self._state

    def look(self) -> None:
        """Look again. Whoever does not answer is down, and what was counted before stands."""
        self._progress.look()
        places = {self._name(run): (run, Place()) for run in directories(self._logs)}
        for name, place in self._progress.places.items():
            if name in places:
                places[name] = places[name][0], place
        now, waits = self._clock(), dict[str, tuple[Place, float]]()
        for name, (run, place) in places.items():
            if _has_more(run, place):
                before = self._waits.get(name)
                waits[name] = before if before and before[0] == place else (place, now)
        self._waits = waits
        going = [name for name, (_, place) in places.items() if not place.ended or name in waits]
        stalled = {name: now - waits[name][1] if name in waits else 0.0 for name in sorted(going)}
        self._state = self._asked()._replace(runs=len(going), stalled=stalled)

    def _asked(self) -> ClusterState:
        """What the manager says; what it does not is as it was."""
        if self._manager is None:
            return self._state
        if (report := self._manager.report()) is None:
            return self._state._replace(up=False)
        restarts = self._state.restarts if report.restarts is None else report.restarts
        return self._state._replace(up=report.running, checkpoints_failed=report.checkpoints_failed, restarts=restarts)

    def _name(self, run: Path) -> str:
        return str(run.relative_to(self._logs))


def _has_more(run: Path, place: Place) -> bool:
    """Whether there are whole lines behind a place. A last one without an end waits for its writer."""
    files = [(int(found[1]), file) for file in segments(run) if (found := _NUMBER.match(file.name))]
    later = [file for number, file in files if number > place.segment]
    here = [file for number, file in files if number == place.segment and file.suffix == ".jsonl"]
    # One that was packed since is longer or shorter than what was read of it.
    return any(_has_line(file, 0) for file in later) or any(_has_line(file, place.offset) for file in here)


def _has_line(file: Path, offset: int) -> bool:
    with suppress(OSError):
        if file.suffix != ".jsonl":
            return file.stat().st_size > 0
        if file.stat().st_size > offset:
            with file.open("rb") as content:
                content.seek(offset)
                return any(b"\n" in piece for piece in iter(lambda: content.read(_PIECE), b""))
    return False
