"""Many runs in one collector: one that ended is worked off and forgotten, and what was found in it is still told."""

import gc
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Event
from nissa.events.kinds import RunEnded
from nissa.pipeline.collector import Collecting
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import segments
from nissa.sinks.tables import Tables
from tests.pipeline.collector.runs import DERIVED, LOG, emitted_only, tell_epoch
from tests.waiting import LIMIT

RUNS = 1_000


def short_run(out: Path) -> bytes:
    """A run that ended after two epochs, named RUN."""
    with Telemetry("RUN", out=out) as telemetry:
        for epoch in (1, 2):
            tell_epoch(telemetry, 0, epoch)
        assert telemetry.flush(LIMIT)
    (log,) = segments(out)
    return emitted_only(log.read_bytes())


def left_behind(log: bytes, root: Path, name: str) -> Path:
    (root / name).mkdir(parents=True)
    (root / name / LOG).write_bytes(log.replace(b'"RUN"', f'"{name}"'.encode()))
    os.utime(root / name / LOG, (0, 0))
    return root / name


class Known:
    """How many runs' operators and tables there are at the end of each hundredth run."""

    kinds = (RunEnded,)

    def __init__(self) -> None:
        self.ended = 0
        self.alive: list[int] = []

    def __call__(self, _: Event[Any]) -> None:
        self.ended += 1
        if self.ended % 100 == 0:
            gc.collect()
            self.alive.append(sum(type(one) is Dispatcher for one in gc.get_objects()))


@pytest.mark.deep
def test_of_a_thousand_short_runs_few_are_known_at_a_time(tmp_path: Path) -> None:
    log, known = short_run(tmp_path / "run"), Known()
    directories = [left_behind(log, tmp_path, f"run-{n}") for n in range(RUNS)]
    gc.collect()
    before = sum(type(one) is Dispatcher for one in gc.get_objects())
    with closing(Collecting(directories, {"known": known}, FaultLog())) as collecting:
        collecting.follow()
        gc.collect()
        assert sum(type(one) is Dispatcher for one in gc.get_objects()) == before
        assert known.alive == [before + 1] * (RUNS // 100)
        assert all(run.tables.snapshot() == Tables().snapshot() for run in collecting.runs)
        written = {run.derived.written for run in collecting.runs}
    (lines,) = {(directory / DERIVED).read_bytes().count(b"\n") for directory in directories}
    assert written == {lines} != {0}


def test_of_a_single_run_the_tables_stay_to_be_asked_for(tmp_path: Path) -> None:
    directory = left_behind(short_run(tmp_path / "run"), tmp_path, "alone")
    with closing(Collecting([directory], {}, FaultLog())) as collecting:
        collecting.follow()
        (run,) = collecting.runs
        assert run.tables.snapshot() != Tables().snapshot()
        assert run.summary().startswith(f"{directory}: ended; ")
