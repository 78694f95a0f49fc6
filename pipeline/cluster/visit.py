"""One look at a run: what was written since the last one goes through its operators, and what follows comes out.

An engine keeps two things of a run, a place and a state, and gets both back after a failure as they were at one moment.
Up to the place all is told. The state is one that the operators had at the place or before it: the lines between are
folded again, and what follows from them is not told again. So it need not be written at each look. And one that cannot
be read, or that was freed because the run ended or nobody writes it, is made anew from the first line.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from nissa.operators.fold import UnreadableStateError
from nissa.pipeline.cluster.log_lines import Found, read_on
from nissa.pipeline.cluster.place import Place
from nissa.pipeline.cluster.run_state import RunState

__all__ = ["MOST", "Looked", "Visitor"]

MOST = 1 << 18
"""Bytes that a look reads: some hundred lines, some hundredths of a second."""
_KEPT = 4 << 20
"""Bytes of lines after which a state is kept: to write one takes as long as to fold some hundred lines."""
_HELD = 256
"""Runs whose operators a process holds ready, beside what the engine keeps."""
_REMEMBERED = 10_000
"""Runs of which a process knows when it has read all."""
_ASLEEP = 3600.0
"""Seconds without a new line after which a run's state is given up."""
_log = logging.getLogger("nissa")


@dataclass(slots=True)
class Looked:
    """What a look at a run came to."""

    place: Place
    """To be kept."""
    state: bytes | None = None
    """To be kept with it. None: what is kept stays as it is, or is given up where the place says that it is freed."""
    derived: list[bytes] = field(default_factory=list)
    """Lines, as in a run log."""
    of_job: list[bytes] = field(default_factory=list)
    """Lines of the log that tell how the ranks of its job compare."""
    progress: list[bytes] = field(default_factory=list)
    """How far the run was read, if that is new."""
    summaries: list[bytes] = field(default_factory=list)
    """What it came to, if it ended."""
    problems: list[bytes] = field(default_factory=list)
    """What is new of what keeps it from being read, or was passed over."""


class Visitor:
    """Looks at the runs below a folder. What it holds beside what it is given only saves it from loading that again."""

    def __init__(self, logs: Path, most: int = MOST) -> None:
        self._logs, self._most = logs, most
        self._held: OrderedDict[str, RunState] = OrderedDict()
        self._all_read: OrderedDict[str, float] = OrderedDict()
        """When a look found no more than it took."""

    def has_seen(self, run: str, asked: float) -> bool:
        """Whether all was read of a run that was there when somebody asked for a look, in seconds since 1970."""
        return self._all_read.get(run, 0.0) > asked

    def look(self, run: str, place: Place, state: Callable[[], bytes | None]) -> Looked | None:
        """Go on with a run, named by its directory relative to the folder; None where nothing is new.

        `place` is that of the last look, and `state` is asked for what is kept with it.
        """
        began = time.time()
        try:
            found = read_on(self._logs / run, place, self._most)
            self._note(run, found, began)
            follow = self._go_on if found.place.is_behind(place) else self._quiet
            return follow(run, place, found, state)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with a run, the others go on
            self._held.pop(run, None)
            return _stuck(run, place, repr(error))

    def _go_on(self, run: str, began: Place, found: Found, state: Callable[[], bytes | None]) -> Looked:
        folds = self._state_at(run, began, state)
        folds.of_job()
        looked = Looked(place := found.place, derived=folds.feed(found.lines, found.place), of_job=folds.of_job())
        place.told, place.freed = found.problem, False
        looked.progress, looked.problems = [_progress(run, place)], _problems(run, began, found)
        place.since = began.since + sum(len(line) for _, line in found.lines)
        if place.since >= _KEPT:
            place.since, looked.state = 0, folds.dump()
        self._hold(run, folds)
        return looked

    def _quiet(self, run: str, began: Place, found: Found, state: Callable[[], bytes | None]) -> Looked | None:
        """Nothing was written. A new problem is told, and a run is freed that ended, or that nobody writes."""
        over = not began.freed and (began.ended or (began.segment > 0 and self._is_left(run)))
        # A segment that was packed since is not to be unpacked at each look.
        place = replace(began, told=found.problem, freed=began.freed or over, unpacked=found.place.unpacked)
        if place == began:
            return None
        looked = Looked(place)
        looked.problems = _problems(run, began, found)
        if over and began.ended:
            # What operators derived from the end may stand behind it in the log.
            looked.summaries.append(_line({"run": run} | self._state_at(run, began, state).summary()))
        if over:
            self._held.pop(run, None)
        return looked

    def _is_left(self, run: str) -> bool:
        files = (self._logs / run).glob("events-*")
        return max((file.stat().st_mtime for file in files), default=time.time()) < time.time() - _ASLEEP

    def _state_at(self, run: str, place: Place, state: Callable[[], bytes | None]) -> RunState:
        held = self._held.pop(run, None)
        if held and held.at.is_at(place):
            return held
        folds = RunState()
        try:
            if not place.freed and (dumped := state()):
                folds = RunState(dumped)
        except UnreadableStateError as error:
            _log.warning("%s: its state is made anew from its log: %s", run, error)
        self._catch_up(run, folds, place)
        return folds

    def _catch_up(self, run: str, folds: RunState, end: Place) -> None:
        """Fold the log up to a place. What is derived on the way was told before."""
        while end.is_behind(at := folds.at):
            found = read_on(self._logs / run, at, self._most)
            if not found.place.is_behind(at):
                raise FileNotFoundError(f"its log was read up to {end}, and now ends at {at}: {found.problem}")
            folds.feed(_up_to(end, found), found.place)

    def _note(self, run: str, found: Found, began: float) -> None:
        if sum(len(line) for _, line in found.lines) < self._most // 2:
            self._all_read[run] = began
            self._all_read.move_to_end(run)
            while len(self._all_read) > _REMEMBERED:
                self._all_read.popitem(last=False)

    def _hold(self, run: str, folds: RunState) -> None:
        self._held[run] = folds
        while len(self._held) > _HELD:
            self._held.popitem(last=False)


def _up_to(end: Place, found: Found) -> list[tuple[str, bytes]]:
    """Those lines that are not behind a place."""
    return [(where, line) for where, line in found.lines if _number(where) <= (end.segment, end.line)]


def _number(where: str) -> tuple[int, int]:
    name, _, line = where.rpartition(":")
    return int(name.partition(".")[0].rpartition("-")[2]), int(line)


def _progress(run: str, place: Place) -> bytes:
    told = {"run": run, "segment": place.segment, "offset": place.offset, "seq": place.seq, "ended": place.ended}
    return _line(told | {"at": time.time()})


def _problems(run: str, began: Place, found: Found) -> list[bytes]:
    told = found.told + ([found.problem] if found.problem and found.problem != began.told else [])
    return [_line({"run": run, "problem": problem, "at": time.time()}) for problem in told]


def _stuck(run: str, place: Place, problem: str) -> Looked | None:
    if problem == place.told:
        return None
    found = Found(replace(place, told=problem), problem=problem)
    return Looked(found.place, problems=_problems(run, place, found))


def _line(told: dict[str, Any]) -> bytes:
    return orjson.dumps(told)
