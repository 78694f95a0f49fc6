"""What the Prometheus sink may use: ended runs leave, label sets are bounded, and scrapes never disturb the hub."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpochCompleted,
    Payload,
    PhaseTimed,
    RunEnded,
    SeedGerminated,
    SlotSnapshot,
)
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.prometheus.collector import GRACE, PrometheusSink
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from nissa.sinks.prometheus.snapshot import LatestByKind
from nissa.sinks.prometheus.state import State
from tests.samples import episode_started

Series = tuple[str, frozenset[tuple[str, str]]]
Shown = Callable[[Collector], dict[Series, float]]
Stream = list[Event[Payload]]

REFUSED: Series = ("nissa_label_sets_refused_total", frozenset())


def of_kind(kind: str) -> Series:
    return "nissa_events_total", frozenset({("kind", kind)})


def runs(found: dict[Series, float]) -> set[str]:
    return {value for _, labels in found for label, value in labels if label == "run"}


def batch(number: int = 0) -> BatchCompleted:
    return BatchCompleted(batch=number, loss=float(number), accuracy=50.0, host_grad_norm=1.0, seed_grad_norms={})


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_run_that_ended_leaves_after_a_while_and_what_is_the_process_own_stays(stream: Stream, shown: Shown) -> None:
    clock = Clock()
    sink = PrometheusSink(clock=clock)
    for event in stream:
        sink(event)
    sink(Event(0, 0.0, Scope("r2", "ppo", 0), SeedGerminated(slot="a", seed="s", blueprint="norm", params=1)))
    before = shown(sink)
    clock.now = GRACE - 1
    assert runs(shown(sink)) == {"r1", "r2"}
    clock.now = GRACE
    after = shown(sink)
    assert runs(after) == {"r2"}
    for key in [
        ("nissa_runs_ended_total", frozenset({("outcome", "completed")})),
        ("nissa_pipeline_accepted_total", frozenset()),
        of_kind("batch_completed"),
        of_kind("run_ended"),
    ]:
        assert after[key] == before[key] > 0


def test_a_process_that_outlives_its_runs_shows_each_for_a_while_after_its_end(shown: Shown) -> None:
    """One sink for all of them, which no `Telemetry` serves."""
    clock = Clock()
    sink = PrometheusSink(clock=clock)
    for name in ("first", "second"):
        with Telemetry(name, sinks={"shared": sink}) as telemetry:
            telemetry.scope(group="ppo", env=0).emit(batch())
        assert name in runs(shown(sink))
        clock.now += GRACE / 2
    assert runs(shown(sink)) == {"second"}
    assert shown(sink)["nissa_runs_ended_total", frozenset({("outcome", "completed")})] == 2


def test_a_recorded_run_is_kept(shown: Shown) -> None:
    clock = Clock()
    sink = PrometheusSink(clock=clock, recorded=True)
    sink(Event(0, 0.0, Scope("r1"), RunEnded(outcome="failed", duration=1.0)))
    clock.now = 1e12
    assert runs(shown(sink)) == {"r1"}


def test_a_run_called_like_an_outcome_takes_nothing_along(shown: Shown) -> None:
    clock = Clock()
    sink = PrometheusSink(clock=clock)
    sink(Event(0, 0.0, Scope("completed"), RunEnded(outcome="completed", duration=1.0)))
    clock.now = GRACE
    assert shown(sink)["nissa_runs_ended_total", frozenset({("outcome", "completed")})] == 1


def test_environments_beyond_the_budget_are_refused_counted_and_cost_no_memory(shown: Shown) -> None:
    sink, over = PrometheusSink(), 7
    for env in range(MAX_LABEL_SETS + over):
        sink(Event(env, 0.0, Scope("r1", None, env), batch()))
    found = shown(sink)
    assert sum(name == "nissa_batch_loss" for name, _ in found) == MAX_LABEL_SETS
    assert found[REFUSED] == over
    assert found[of_kind("batch_completed")] == MAX_LABEL_SETS + over
    assert len(sink._state._places) == MAX_LABEL_SETS


def test_alerts_that_a_run_ends_are_over_however_many_environments_it_has(shown: Shown) -> None:
    raised = AlertRaised(alert="non_finite", severity="critical", clause="not_finite", what="loss is NaN")
    sink = PrometheusSink()
    for env in range(MAX_LABEL_SETS):
        sink(Event(env, 0.0, Scope("r1", "ppo", env), raised))
    for env in range(MAX_LABEL_SETS):
        over = AlertResolved(
            alert="non_finite", severity="critical", group="ppo", env=env, observations=1, clause="run_ended"
        )
        sink(Event(env, 1.0, Scope("r1"), over))
    active = [value for (name, _), value in shown(sink).items() if name == "nissa_alert_active"]
    assert active == [0.0] * MAX_LABEL_SETS


def test_counters_beyond_the_budget_are_refused_and_those_known_count_on(shown: Shown) -> None:
    sink, over = PrometheusSink(), 5
    for n in range(MAX_LABEL_SETS + over):
        sink(Event(n, 0.0, Scope("r1"), PhaseTimed(durations={f"phase {n}": 1.0, "phase 0": 1.0})))
    found = shown(sink)
    counts = {dict(labels)["phase"]: value for (name, labels), value in found.items() if name.endswith("seconds_count")}
    assert len(counts) == MAX_LABEL_SETS
    assert counts["phase 0"] == MAX_LABEL_SETS + over
    assert found[REFUSED] == over


def test_episodes_that_only_started_leave_half_of_the_room_to_what_counts() -> None:
    sink = PrometheusSink()
    for env in range(400):
        sink(Event(env, 1.0, Scope("wide", "ppo", env, 0, 1), episode_started()))
    told = {family.name: family.samples for family in sink.collect()}
    zeros = told["nissa_traces"]
    assert len(zeros) == MAX_LABEL_SETS // 2
    assert {sample.value for sample in zeros} == {0}
    assert sink._state._counters.refused == 0


def test_gauges_beyond_the_budget_are_left_out_and_the_first_ones_stay(epoch: EpochCompleted, shown: Shown) -> None:
    slots = [SlotSnapshot(slot=f"s{n}", stage="DORMANT", epochs_in_stage=n) for n in range(MAX_LABEL_SETS + 3)]
    sink = PrometheusSink()
    sink(Event(0, 0.0, Scope("r1", None, 0), replace(epoch, slots=slots)))
    names = [name for name, _ in shown(sink)]
    assert names.count("nissa_slot_stage_epochs") == names.count("nissa_slot_stage") == MAX_LABEL_SETS
    assert shown(sink)[REFUSED] > 0


@pytest.mark.parametrize(("last", "stays"), [(160.0, False), (160.5, True)])
def test_a_run_begun_anew_under_its_name_does_not_leave_for_its_first_end(
    last: float, stays: bool, shown: Shown
) -> None:
    clock = Clock()
    sink = PrometheusSink(clock=clock)
    told = [(1.0, batch()), (100.0, RunEnded(outcome="completed", duration=99.0)), (last, batch())]
    for number, (at, payload) in enumerate(told):
        sink(Event(number, at, Scope("run", None, 0), payload))
    for clock.now in (GRACE, 2 * GRACE):
        assert runs(shown(sink)) == ({"run"} if stays else set())
    sink(Event(9, last + GRACE, Scope("run", None, 0), RunEnded(outcome="completed", duration=1.0)))
    clock.now = 3 * GRACE
    assert runs(shown(sink)) == set()


def test_a_run_that_leaves_makes_room(shown: Shown) -> None:
    clock = Clock()
    sink = PrometheusSink(clock=clock)
    for env in range(MAX_LABEL_SETS - 1):
        sink(Event(env, 0.0, Scope("old", None, env), batch()))
    sink(Event(1, 0.0, Scope("old"), RunEnded(outcome="completed", duration=1.0)))
    clock.now = GRACE
    shown(sink)
    sink(Event(0, 0.0, Scope("new"), batch()))
    assert runs(shown(sink)) == {"new"}


def test_a_snapshot_does_not_change_any_more(stream: Stream) -> None:
    state = State(Clock())
    for event in stream:
        state.fold(event)
    known = state.snapshot(GRACE)
    before = repr((known.totals, known.kinds, [(place.at, place.counts, place.latest) for place in known.places]))
    for event in stream:
        state.fold(Event(99, 0.0, event.scope, event.payload))
    after = repr((known.totals, known.kinds, [(place.at, place.counts, place.latest) for place in known.places]))
    assert before == after


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads take turns two thousand times as often as by default, and whenever a place is copied."""
    copy = LatestByKind.copy

    def leisurely(place: LatestByKind) -> LatestByKind:
        time.sleep(1e-6)
        return copy(place)

    monkeypatch.setattr(LatestByKind, "copy", leisurely)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(2.5e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("hurried")
def test_scrapes_from_several_threads_while_events_come_never_fail_and_never_go_back(epoch: EpochCompleted) -> None:
    sink, registry, done = PrometheusSink(), CollectorRegistry(), threading.Event()
    registry.register(sink)
    failures: list[BaseException] = []
    scrapers = [threading.Thread(target=_scrape, args=(sink, registry, done, failures)) for _ in range(2)]
    for scraper in scrapers:
        scraper.start()
    for n in range(2_000):
        env = Scope(f"run {n // 500}", "ppo", n % 50, 0, n)
        sink(Event(n, float(n), env, batch(n)))
        sink(Event(n, float(n), env, PhaseTimed(durations={f"phase {n % 50}": 0.5})))
        sink(Event(n, float(n), env, epoch))
    done.set()
    for scraper in scrapers:
        scraper.join(timeout=60)
    assert failures == []
    found = {(s.name, *s.labels.values()): s.value for family in sink.collect() for s in family.samples}
    assert found["nissa_events_total", "batch_completed"] == 2_000
    assert found["nissa_scrape_errors_total",] == 0


def _scrape(
    sink: PrometheusSink, registry: CollectorRegistry, done: threading.Event, failures: list[BaseException]
) -> None:
    """Counters never fall, and the text can always be written."""
    last: dict[tuple[str, ...], float] = {}
    try:
        while not done.is_set():
            now = {
                (s.name, *s.labels.values()): s.value
                for family in sink.collect()
                if family.type == "counter"
                for s in family.samples
            }
            assert all(now[key] >= value for key, value in last.items())
            last = now
            assert b"nissa_batches_total" in generate_latest(registry)
    except BaseException as error:  # noqa: BLE001  # told to the test by the list
        failures.append(error)
