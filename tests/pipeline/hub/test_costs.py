"""What telemetry costs: sampled, timed and told apart, by a clock of the test's own and by the process's."""

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Scope
from nissa.events.kinds import BatchCompleted, Heartbeat, RunEnded, TelemetryCost
from nissa.pipeline import emitter as emitting
from nissa.pipeline.collector.control import CONTROL, Control
from nissa.pipeline.collector.way_back import WayBack
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.emitter import Emitter
from nissa.pipeline.hub import costs, meter
from nissa.pipeline.hub.costs import Costs, excess
from nissa.pipeline.hub.meter import SAMPLED, Meter
from nissa.pipeline.sources import Reading, read_log
from nissa.pipeline.telemetry import Telemetry
from tests.waiting import LIMIT

BATCH = BatchCompleted(batch=0, loss=1.0)


class Clock:
    """CPU time that passes when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Inlet:
    """Where emits go, each of which takes so many seconds of CPU."""

    def __init__(self, clock: Clock) -> None:
        self.meter, self.faults, self.clock, self.takes = Meter(), FaultLog(), clock, 2e-6

    def put(self, *_: Any) -> None:
        self.clock.now += self.takes


@pytest.fixture
def inlet(monkeypatch: pytest.MonkeyPatch) -> Inlet:
    clock = Clock()
    for module in (meter, emitting):
        monkeypatch.setattr(module, "thread_time", clock)
    monkeypatch.setattr(meter, "_CLOCK", 0.0)
    return Inlet(clock)


def emitter(inlet: Any) -> Emitter:
    return Emitter(inlet, Scope("run"))


def test_emits_are_estimated_from_one_of_many(inlet: Inlet) -> None:
    told = emitter(inlet).bind(env=0)
    for _ in range(8 * SAMPLED + 7):
        told.emit(BATCH)
    assert inlet.meter.emitting == pytest.approx(8 * SAMPLED * 2e-6)


def test_an_emit_that_takes_very_long_stands_for_itself(inlet: Inlet) -> None:
    inlet.takes = 0.005
    for _ in range(SAMPLED):
        emitter(inlet).emit(BATCH)
    assert inlet.meter.emitting == pytest.approx(0.005)


def test_a_look_counts_once_with_all_that_is_in_it_and_also_where_it_fails(inlet: Inlet) -> None:
    told, clock = emitter(inlet), inlet.clock

    def inner() -> None:
        clock.now += 1.0

    def outer() -> None:
        told.attempt("inner", inner)
        for _ in range(SAMPLED):
            told.emit(BATCH)
        raise ValueError("no network")

    told.attempt("outer", outer)
    assert inlet.meter.measuring == pytest.approx(1.0 + SAMPLED * 2e-6)
    assert inlet.meter.emitting == 0.0
    told.attempt("inner", inner)
    assert inlet.meter.measuring == pytest.approx(2.0 + SAMPLED * 2e-6)


def test_the_overhead_is_by_the_rest_of_the_process_and_since_the_heartbeat_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process, own = Clock(), Meter()
    monkeypatch.setattr(costs, "process_time", process)
    account = Costs(own, [lambda: own.measuring / 2], lambda: 9.0)
    assert account.beat().overhead is None
    process.now, own.emitting, own.measuring = 110.0, 0.5, 1.0
    assert account.beat() == TelemetryCost(
        emitting=0.5, measuring=1.0, threads=0.5, whole=10.0, collecting=9.0, overhead=2.0 / 8.0
    )
    process.now, own.emitting = 120.0, 1.5
    assert account.beat().overhead == pytest.approx(1.0 / 9.0)
    assert account.state().overhead == pytest.approx(3.0 / 17.0)


def test_only_looks_above_what_the_profile_says_are_too_many() -> None:
    cost = TelemetryCost(emitting=1.0, measuring=2.0, threads=2.0, whole=25.0)
    assert excess(cost, 0.09) == pytest.approx(0.1)
    assert excess(cost, 0.1) is None
    assert excess(cost, None) is None
    assert excess(TelemetryCost(emitting=0.0, measuring=2.0, threads=0.0, whole=9.9), 0.09) is None


def burn(seconds: float) -> None:
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass


@pytest.mark.parametrize(("expected", "warnings"), [(0.01, 1), (1e9, 0), (None, 0)])
def test_a_profile_that_costs_more_than_it_says_is_told_once(
    expected: float | None, warnings: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(costs, "ENOUGH", 0.01)
    caplog.set_level(logging.WARNING, "nissa")
    with Telemetry("run", config={"expected_overhead": expected}, console=False) as telemetry:
        for _ in range(3):
            telemetry.scope().attempt("heavy", burn, 0.05)
            burn(0.05)
            telemetry._hub.account()
    assert len([r for r in caplog.records if "the profile 'standard' says" in r.getMessage()]) == warnings


def test_what_nissas_threads_compute_is_what_the_process_computes_beside_the_trainers_own(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run", console=False) as telemetry:
        process, thread, before = time.process_time(), time.thread_time(), telemetry._hub.cost()
        for batch in range(6_000):
            telemetry.emit(BatchCompleted(batch=batch, loss=1.0))
        assert telemetry.flush(LIMIT)
        beside = time.process_time() - process - (time.thread_time() - thread)
        after = telemetry._hub.cost()
    assert after.threads - before.threads == pytest.approx(beside, rel=0.25)
    assert after.emitting > 0
    assert after.collecting is None


def test_heartbeat_and_end_tell_the_cost_and_that_of_a_collector_apart(tmp_path: Path) -> None:
    with Telemetry("run", out=tmp_path / "run", collector="process", console=False) as telemetry:
        telemetry.emit(BATCH)
        assert telemetry.flush(LIMIT)
    told = [e.payload for e in read_log(tmp_path / "run", Reading()) if isinstance(e.payload, Heartbeat | RunEnded)]
    first, *_, last, end = [payload.cost for payload in told]
    assert first
    assert last
    assert end
    assert (last.collecting or 0) > 0
    assert first.whole < last.whole <= end.whole
    own = end.emitting + end.measuring + end.threads
    assert end.overhead == pytest.approx(own / (end.whole - own))


def test_a_collector_adds_to_what_those_before_it_computed(tmp_path: Path) -> None:
    trainers = Control.make(tmp_path / CONTROL)
    trainers.cpu = 1000.0
    WayBack(tmp_path).tell(1)
    assert 1000.0 < trainers.cpu < 1000.0 + 2 * time.process_time()
