"""What is lost in a burst? 64 environments tell 1,000 events each at once, then 100,000 events a second for 10 s.

With all in one process, and with a collector. And at which rate, kept up for 5 s, is nothing lost?
"""

import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from nissa.pipeline.telemetry import Telemetry
from tests.benchmarks.measuring import Figure, report
from tests.benchmarks.mixes import Mix, emit_all, healthy

__all__ = ["run"]

_ENVIRONMENTS, _EACH = 64, 1_000
_AFTER, _SECONDS = 100_000, 10
_RATES = (10_000, 20_000, 30_000, 40_000, 60_000, 80_000, 100_000, 150_000, 200_000)
_KEPT_UP = 5
_SLICE = 0.01
"""Seconds between two lots of a steady rate."""
WAYS: dict[str, dict[str, Any]] = {"in one process": {}, "with a collector": {"collector": "process"}}


def run() -> None:
    """The burst, and the highest rate without loss."""
    story = healthy(_ENVIRONMENTS, 200_000)
    for way, more in WAYS.items():
        _burst(way, story, more)
    for way, more in WAYS.items():
        _highest(way, story, more)


def _burst(way: str, story: Mix, more: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        telemetry = Telemetry("burst", out=Path(directory) / "run", linger=0.0, **more)
        began = time.perf_counter()
        emit_all(telemetry, story[: _ENVIRONMENTS * _EACH])
        at_once = time.perf_counter() - began
        reached = _steady(telemetry, story, _AFTER, _SECONDS)
        caught_up = time.perf_counter()
        telemetry.flush(300)
        caught_up = time.perf_counter() - caught_up
        lost = telemetry.state().dropped
        telemetry.close(timeout=60)
    report(
        f"A burst of {_ENVIRONMENTS * _EACH:,} events, then {_AFTER:,} a second for {_SECONDS} s, {way}",
        [
            Figure("emitting the burst", [1e3 * at_once], "ms"),
            Figure("rate that the loop reached then", [reached], "events/s"),
            Figure("... until all was worked off", [caught_up], "s"),
            *[Figure(f"lost: {kind}", [float(count)], "events") for kind, count in (lost or {"none": 0}).items()],
        ],
    )


def _highest(way: str, story: Mix, more: dict[str, Any]) -> None:
    best = 0.0
    for rate in _RATES:
        with tempfile.TemporaryDirectory() as directory:
            telemetry = Telemetry("rate", out=Path(directory) / "run", linger=0.0, **more)
            reached = _steady(telemetry, story, rate, _KEPT_UP)
            lost = telemetry.state().dropped
            telemetry.close(timeout=60)
        if lost or reached < 0.9 * rate:
            break
        best = reached
    report(f"Nothing lost for {_KEPT_UP} s, {way}", [Figure("highest rate that was tried", [best], "events/s")])


def _steady(telemetry: Telemetry, story: Mix, rate: int, seconds: int) -> float:
    """Emit at a rate, in lots; what the loop reached, where the machine allows no more."""
    events, lots = cycle(story), round(seconds / _SLICE)
    emitters = {env: telemetry.scope(group="ppo", env=env, episode=0, epoch=1) for env in range(_ENVIRONMENTS)}
    began = time.perf_counter()
    for lot in range(1, lots + 1):
        for _ in range(round(rate * _SLICE)):
            scope, payload = next(events)
            emitters[scope.env].emit(payload)  # type: ignore[index]
        time.sleep(max(0.0, began + lot * _SLICE - time.perf_counter()))
    return rate * seconds / (time.perf_counter() - began)
