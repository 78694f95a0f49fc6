"""What does it cost to be a rank of a job? The trainer's thread for each step, and the process that compares ranks."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import torch
from torch import nn

from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.jobs import CollectedJob
from nissa.pipeline.probes import Watch
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import RunLog
from tests.benchmarks.measuring import Figure, interleaved, report
from tests.operators.ranks.jobs import job

__all__ = ["run"]

_CALLS, _ROUNDS = 500, 21
_RANKS, _STEPS = 4, 2_000
_OFF = {"gradients": {"enabled": False}}


def run() -> None:
    """Print both."""
    torch.set_num_threads(1)
    with Telemetry("alone", config=_OFF) as alone, _rank() as rank:
        spent = interleaved(
            {"alone": _steps(alone), "rank": _steps(rank)}, _CALLS, lambda: (alone.flush(), rank.flush()), _ROUNDS
        )
    added = [(b - a) / 1e3 for a, b in zip(spent["alone"], spent["rank"], strict=True)]
    usual = [value / 1e3 for value in spent["alone"]]
    figures = [Figure("a step of 17 parameters, watched, process alone", usual, "us")]
    report("ranks", [*figures, Figure("what a rank adds to it, CPU of its thread", added, "us"), _comparing()])


def _rank() -> Telemetry:
    with patch.dict(os.environ, {"RANK": "1", "WORLD_SIZE": "4"}):
        return Telemetry("rank", config=_OFF)


def _steps(telemetry: Telemetry) -> Callable[[int], None]:
    model, inputs = nn.Linear(16, 1), torch.ones(8, 16)
    watch = Watch(telemetry, model, emitter=telemetry.scope(env=0, epoch=1))

    def steps(calls: int) -> None:
        for _ in range(calls):
            model(inputs).sum().backward()
            watch.step()

    steps(_CALLS)
    return steps


def _comparing() -> Figure:
    """All that the process does, without metrics: reading, operators of each rank, the comparison."""
    spent = []
    for seed in range(5):
        with tempfile.TemporaryDirectory() as folder:
            ranks, events = job(_RANKS, epochs=1, steps=_STEPS, seed=seed), 0
            for rank, told in ranks.items():
                log = RunLog(Path(folder) / f"rank-{rank}")
                for event in told:
                    log(event)
                log.close()
                events += len(told)
            began = time.process_time()
            found = CollectedJob(Path(folder), {}, FaultLog())
            while found.step():
                pass
            found.close()
            spent.append(1e6 * (time.process_time() - began) / (_RANKS * _STEPS))
    assert statistics.median(spent) > 0
    return Figure("comparing 4 ranks, CPU of the process for each rank and step", spent, "us")
