"""Follow runs until they end: in turn, on one thread, behind one /metrics."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import PipelineState, SinkState
from nissa.pipeline.collector.collected_run import CollectedRun
from nissa.pipeline.dispatch import FaultLog
from nissa.sinks.prometheus import PrometheusSink

__all__ = ["Collecting"]

_POLL = 0.005
"""Seconds between two looks while nothing comes."""


class Collecting:
    """The runs that one process collects, and what it tells of them.

    `consumers` are given every event of every run, by name; `lives` is that of `CollectedRun`. Raises
    CollectedElsewhereError.
    """

    def __init__(
        self,
        directories: Sequence[Path],
        consumers: Mapping[str, Callable[[Event[Any]], Any]],
        faults: FaultLog,
        lives: Callable[[], bool] | None = None,
    ) -> None:
        self._faults = faults
        # Of several runs, each speaks for itself by its last heartbeat.
        self.prometheus = PrometheusSink(self.state if len(directories) == 1 else None)
        shared: dict[str, Callable[[Event[Any]], Any]] = {"prometheus": self.prometheus, **consumers}
        self.runs: list[CollectedRun] = []
        with ExitStack() as made:
            for directory in directories:
                self.runs.append(CollectedRun(directory, shared, faults, lives))
                made.callback(self.runs[-1].close)
            made.pop_all()

    def state(self) -> PipelineState:
        """The account of a run's pipeline: what its trainer told last, and what is known better here."""
        run = self.runs[0]
        told = run.told
        return replace(
            told,
            faults={**told.faults, **self._faults.counts},
            lag=run.lag,
            fidelity_delay=run.follower.last,
            fidelity_delay_max=run.follower.largest,
            sinks=[*told.sinks, self._as_sink(run)],
        )

    def _as_sink(self, run: CollectedRun) -> SinkState:
        """The collector is to the log what a sink is to the hub: what was written is read, or waits."""
        return SinkState(
            sink="collector",
            written=run.reading.read,
            queued=run.tail.lines_waiting(),
            failed=run.reading.malformed,
            retries=0,
            breaker="closed",
            dropped={},
        )

    def follow(self) -> None:
        """Until every run has ended, or whoever wrote it is gone, and all that it wrote is worked off."""
        while going := [run for run in self.runs if not run.finished]:
            if not sum(map(self._turn, going)):
                time.sleep(_POLL)

    def _turn(self, run: CollectedRun) -> bool:
        """What one run has to be worked off: of one that ended the whole rest, so that few are known at a time."""
        worked = run.step()
        while run.ended and run.step():
            pass
        # Of a single one, its trainer may still ask.
        if run.finished and len(self.runs) > 1:
            run.free()
        return worked

    def close(self) -> None:
        """Write out what is derived."""
        for run in self.runs:
            run.close()
