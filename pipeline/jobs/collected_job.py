"""A job, followed from the first event of its ranks to the last: read as it grows, in the order of the events' time."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from heapq import heapify, heappop, heapreplace
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.operators import Operator
from nissa.operators.ranks import compare_ranks, ranks_text, scope_in_job
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.following import FollowedRun
from nissa.pipeline.jobs.job_log import JobLog, claim, owner
from nissa.pipeline.rank import rank_in
from nissa.sinks.run_log import segments

__all__ = ["CollectedJob", "rank_directories"]

_QUIET = 10.0
"""Seconds without news, and without anybody who writes, after which a job is over that told no end."""
_AHEAD = 4_096
"""Events of a rank that wait for those of others; it is not read on meanwhile."""
_LOOK = 0.2
"""Seconds between two looks for new ranks, and for another process that compares them."""
_Consumers = Mapping[str, Callable[[Event[Any]], Any]]


def rank_directories(folder: Path) -> dict[int, Path]:
    """The runs of ranks in the folder of a job, by their number; empty if it is none."""
    found = {}
    with suppress(OSError):
        for directory in folder.iterdir():
            if (rank := rank_in(directory.name)) is not None and segments(directory):
                found[rank] = directory
    return dict(sorted(found.items()))


class _Rank:
    """One rank, and what was read of it that is not compared yet."""

    def __init__(self, directory: Path, kinds: tuple[type, ...], consumers: _Consumers) -> None:
        self.waiting: deque[Event[Any]] = deque()
        self._kinds = kinds
        # What follows from a rank alone is for those who are served.
        operators = {"operators": dict[str, Operator]()} if not consumers else {}
        self.run = FollowedRun(directory, {**consumers, "job": self._note}, **operators)
        self.more = True
        """Whether something was there when it was read last."""

    def step(self) -> bool:
        """Read on, unless too much waits; whether there was something."""
        if len(self.waiting) < _AHEAD:
            self.more = self.run.step()
            return self.more
        return False

    def is_over(self) -> bool:
        """Whether nobody writes it, and it was read whole."""
        return self.run.state() in {"ended", "quiet"} and not self.run.waiting() and not self.more

    def begins_anew(self) -> bool:
        """Whether its directory is another one, and what was read of the one before is compared."""
        if self.waiting or not self.run.anew():
            return False
        self.run.close()
        return True

    def _note(self, event: Event[Any]) -> None:
        if not event.ordinal and isinstance(event.payload, self._kinds):
            self.waiting.append(event)


class CollectedJob:
    """Reads the ranks in a folder as they grow, and tells how they compare. One thread calls `step`.

    `consumers` are given the events of each rank, those that operators derive among them, and those of the job. Raises
    CompareElsewhereError while another process, which does not let go, compares them.
    """

    def __init__(self, folder: Path, consumers: _Consumers, faults: FaultLog) -> None:
        self.folder, self._consumers, self._faults = folder, consumers, faults
        self._fold = compare_ranks()
        self.state = self._fold.init()
        self._claim = claim(folder)
        self.log = JobLog(folder)
        self.ranks: dict[int, _Rank] = {}
        self.finished = self.yielded = False
        """Whether all that there will be was worked off, and whether another process goes on."""
        self.told = 0
        self._looked, self._heard = 0.0, time.monotonic()

    def step(self) -> bool:
        """Work off what was written since the last call, up to a bound; False if there was nothing."""
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._looked = now
            self._look_round()
        read = [rank.step() for rank in self.ranks.values()]
        folded = self._fold_on()
        if folded:
            self._write_out()
        if any(read) or folded:
            self._heard = now
            return True
        # A full disk is waited for: nobody else would write the rest.
        self.finished = self.yielded or (self._is_over(now) and self._write_out())
        return False

    def close(self) -> None:
        """Write out what was told, and let go of the files."""
        try:
            self.log.close()
        except OSError as error:
            self._faults.report("job", error)
        for rank in self.ranks.values():
            rank.run.close()

    def summary(self) -> str:
        """What was found, in a line."""
        end = "another process goes on" if self.yielded else "ended" if self.state.ended else self._without_end()
        odd = f"; {self.log.different:,} came out otherwise than before" if self.log.different else ""
        return f"{self.folder}: {len(self.ranks)} of {self.state.world_size} ranks, {end}; {self.told:,} events{odd}."

    def _without_end(self) -> str:
        ranks = [rank for rank, life in sorted(self.state.ranks.items()) if not life.ended]
        return f"{ranks_text(ranks)} told no end".lstrip()

    def _look_round(self) -> None:
        self.yielded = owner(self.folder) != self._claim
        for number, directory in rank_directories(self.folder).items():
            known = self.ranks.get(number)
            if known is None or known.begins_anew():
                self.ranks[number] = _Rank(directory, self._fold.kinds, self._consumers)

    def _fold_on(self) -> int:
        """In the order of their time, as far as nothing earlier is to be read."""
        ranks, folded = [*self.ranks.values()], 0
        if any(rank.more and not rank.waiting for rank in ranks):
            return 0
        heads = [(rank.waiting[0].time, number) for number, rank in enumerate(ranks) if rank.waiting]
        heapify(heads)
        while heads:
            rank = ranks[number := heads[0][1]]
            self._take(rank.waiting.popleft())
            folded += 1
            if rank.waiting:
                heapreplace(heads, (rank.waiting[0].time, number))
            elif rank.more:
                break
            else:
                heappop(heads)
        return folded

    def _take(self, event: Event[Any]) -> None:
        for payload in self._told(event):
            where = scope_in_job(self.state, event.scope, payload)
            told = self.log.tell(payload, where, self.state.clock)
            self.told += 1
            for name, consumer in self._consumers.items():
                try:
                    consumer(told)
                except Exception as error:  # noqa: BLE001  # one that fails costs no other
                    self._faults.report(name, error)

    def _told(self, event: Event[Any]) -> Iterable[Any]:
        try:
            return [*self._fold.step(self.state, event)]
        except Exception as error:  # noqa: BLE001  # as above
            self._faults.report(self._fold.name, error)
            return ()

    def _write_out(self) -> bool:
        """Whether all that was told is written; what is not, is tried again."""
        try:
            self.log.flush()
        except OSError as error:
            self._faults.report("job", error)
            return False
        return True

    def _is_over(self, now: float) -> bool:
        if self.state.ended:
            return all(rank.is_over() for rank in self.ranks.values())
        return now - self._heard > _QUIET and all(rank.is_over() for rank in self.ranks.values())
