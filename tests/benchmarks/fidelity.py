"""How long from an anomalous batch to a trainer that knows it is to look closely, through a collector?

A trainer emits healthy batches at a rate; now and then a loss is not finite. It reads `telemetry.fidelity` between
batches, every 0.2 ms, as one does whose steps are short. The time is the wall clock's, of the trainer's own process.
"""

import math
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from nissa.pipeline.emitter import Emitter
from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.operators import noisy_batch
from tests.operators.raised import batch, configured
from tests.samples import episode_ended, episode_started, epoch_completed
from tests.waiting import LIMIT

__all__ = ["run"]

_ONSETS = 200
_RATES = (100, 1_000, 10_000)
_LOOK = 0.0002
_COOL_DOWN = 4


def run() -> None:
    """The delay at each rate, and its 99th percentile."""
    for rate in _RATES:
        delays = _delays(rate)
        p99 = statistics.quantiles(delays, n=100)[98]
        report(
            f"Fidelity through a collector, {rate:,} events/s, n={len(delays)}",
            [
                Figure("from the batch to telemetry.fidelity", delays, "ms", "aim: 10"),
                Figure("... 99th percentile", [p99], "ms", "aim: 30"),
                Figure("... the longest", [max(delays)], "ms"),
            ],
        )


def _delays(rate: int) -> list[float]:
    """Milliseconds."""
    chance, delays = random.Random(rate), list[float]()
    with (
        TemporaryDirectory() as directory,
        Telemetry("bench", out=Path(directory) / "run", collector="process") as telemetry,
    ):
        telemetry.emit(configured(mode="adaptive", dense_budget=1.0))
        assert telemetry.flush(LIMIT)
        for episode in range(_ONSETS):
            scope = telemetry.scope(group="ppo", env=0, episode=episode, epoch=1)
            scope.emit(episode_started())
            # The alert of the episode before is let go after some epochs.
            for _ in range(_COOL_DOWN):
                scope.emit(epoch_completed(50.0))
            _train(scope, rate, lambda: telemetry.flush(LIMIT) and telemetry.fidelity == "normal")
            end = time.monotonic() + chance.uniform(0.1, 0.2)
            _train(scope, rate, lambda: time.monotonic() > end)  # noqa: B023  # it is over before the next one
            began = time.monotonic()
            scope.emit(batch(loss=math.nan))
            _train(scope, rate, lambda: telemetry.fidelity == "dense")
            delays.append(1e3 * (time.monotonic() - began))
            scope.emit(episode_ended())
    return delays


def _train(scope: Emitter, rate: int, over: Callable[[], bool]) -> None:
    """Batches at a rate, until something is so. Raises TimeoutError if it never is."""
    began, told = time.monotonic(), 0
    while not over():
        if time.monotonic() > began + LIMIT:
            raise TimeoutError("the fidelity did not change")
        while told < rate * (time.monotonic() - began):
            scope.emit(_BATCHES[told % len(_BATCHES)])
            told += 1
        time.sleep(_LOOK)


_BATCHES = [noisy_batch(n) for n in range(1_000)]
