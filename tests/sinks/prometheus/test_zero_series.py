"""Counters begin at 0 where their labels are known, so that a scraper sees all that they count."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.registry import Collector

from nissa.cli.runs.replay import read_run
from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    DecisionMade,
    EpisodeStarted,
    GateEvaluated,
    PolicyUpdated,
    RunEnded,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.sinks.prometheus.collector import GRACE, PrometheusSink
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from nissa.sinks.prometheus.state import State
from tests.samples import episode_started, run_started

Series = tuple[str, frozenset[tuple[str, str]]]
Shown = Callable[[Collector], dict[Series, float]]
Stream = list[Event[Any]]


def germinated(blueprint: str) -> SeedGerminated:
    return SeedGerminated(slot="early", seed="s", blueprint=blueprint, params=1)


def told(events: Iterable[Event[Any]], **options: Any) -> PrometheusSink:
    sink = PrometheusSink(**options)
    for event in events:
        sink(event)
    return sink


def begun(envs: int, **hyperparameters: Any) -> Stream:
    """A run that names what it may do, and environments in which nothing happened yet."""
    start = Event(0, 0.0, Scope("r1"), replace(run_started(), hyperparameters=hyperparameters))
    return [start, *(Event(1 + env, 0.0, Scope("r1", "ppo", env, 0), episode_started()) for env in range(envs))]


def of_env(name: str, env: int, **labels: str) -> Series:
    return name, frozenset({"run": "r1", "group": "ppo", "env": str(env), **labels}.items())


def increases(events: Stream, shown: Shown) -> Counter[str]:
    """By name what a scraper sees of counters: growth from the first scrape that has the series.

    It comes when an episode has begun, and after every three hundred events.
    """
    sink, first, last = PrometheusSink(), dict[Series, float](), dict[Series, float]()
    for n, event in enumerate(events):
        sink(event)
        if n % 300 == 0 or isinstance(event.payload, EpisodeStarted):
            last = shown(sink)
            first = last | first
    seen: Counter[str] = Counter()
    for key, value in shown(sink).items():
        seen[key[0]] += value - first.get(key, value)  # type: ignore[assignment]
    return seen


def happened(events: Stream) -> Counter[str]:
    """The same, counted from the events."""
    true: Counter[str] = Counter()
    for payload in (event.payload for event in events):
        match payload:
            case SeedGerminated():
                true["nissa_seeds_germinated_total"] += 1
            case SeedFossilized(params_added=params):
                true += Counter({"nissa_seeds_fossilized_total": 1, "nissa_parameters_added_total": params})
            case SeedCulled():
                true["nissa_seeds_culled_total"] += 1
            case GateEvaluated(checks=checks):
                true["nissa_gate_check_failures_total"] += sum(not check.passed for check in checks)
            case DecisionMade(heads=heads):
                used = [head for head in heads.values() if head.relevant]
                true["nissa_head_relevant_total"] += len(used)
                true["nissa_head_forced_total"] += sum(head.forced for head in used)
            case PolicyUpdated(decisions=decisions, early_stopped=stopped, heads=heads):
                true += Counter({"nissa_policy_updates_total": 1, "nissa_policy_decisions_total": decisions})
                true["nissa_policy_early_stops_total"] += bool(stopped)
                for head in heads.values():
                    true["nissa_head_entropy_nats_total"] += head.entropy  # type: ignore[assignment]
                    true["nissa_head_log_valid_nats_total"] += head.log_valid  # type: ignore[assignment]
                    true["nissa_head_decisions_total"] += head.decisions
    return true


def test_a_scraper_of_the_demo_sees_all_that_its_counters_count(demo: Path, shown: Shown) -> None:
    events: Stream = []
    read_run(demo, events.append)
    true, seen = happened(events), increases(events, shown)
    assert {name: seen[name] for name in true} == pytest.approx(dict(true), rel=1e-9)
    assert min(true[name] for name in true if "early_stops" not in name) > 0


def test_what_the_run_names_is_0_in_every_environment_that_has_begun(shown: Shown) -> None:
    names = {"blueprints": ["norm"], "heads": ["op"], "gate_checks": {"G1": ["min_epochs"]}}
    found = shown(told(begun(2, **names)))
    for env in (0, 1):
        assert found[of_env("nissa_seeds_germinated_total", env, blueprint="norm")] == 0
        assert found[of_env("nissa_seeds_culled_total", env, blueprint="norm", initiator="policy")] == 0
        assert found[of_env("nissa_head_forced_total", env, head="op")] == 0
        assert found[of_env("nissa_gate_check_failures_total", env, gate="G1", check="min_epochs")] == 0
    assert of_env("nissa_seeds_germinated_total", 2, blueprint="norm") not in found


def test_what_one_environment_saw_is_0_in_the_others_and_in_those_that_come(shown: Shown) -> None:
    events = begun(3)
    sink = told(events[:3])
    sink(Event(9, 0.0, Scope("r1", "ppo", 0, 0), germinated("norm")))
    sink(events[3])
    found = shown(sink)
    assert [found[of_env("nissa_seeds_germinated_total", env, blueprint="norm")] for env in range(3)] == [1, 0, 0]


def test_runs_know_nothing_of_each_other(shown: Shown) -> None:
    other = Event(9, 0.0, Scope("r2", "ppo", 0, 0), episode_started())
    found = shown(told([*begun(1, blueprints=["norm"]), other]))
    assert {dict(labels).get("run") for name, labels in found if name == "nissa_seeds_germinated_total"} == {"r1"}


@pytest.mark.parametrize("odd", [None, 7, "norm", [7, None], {7: 3}, [["norm"]]])
def test_settings_that_name_nothing_are_let_be(odd: object, shown: Shown) -> None:
    found = {name for name, _ in shown(told(begun(1, blueprints=odd, heads=odd, gate_checks=odd)))}
    named = {"nissa_seeds_germinated_total", "nissa_head_forced_total", "nissa_gate_check_failures_total"}
    assert found.isdisjoint(named)


def test_zeros_leave_half_of_the_room_to_what_counts(shown: Shown) -> None:
    named, real = [f"named {n}" for n in range(100)], MAX_LABEL_SETS // 2
    sink = told(begun(64, blueprints=named))
    assert sum(name == "nissa_seeds_germinated_total" for name, _ in shown(sink)) == real
    for n in range(real):
        sink(Event(n, 0.0, Scope("r1", "ppo", 0, 0), germinated(f"real {n}")))
    found = shown(sink)
    values = [value for (name, _), value in found.items() if name == "nissa_seeds_germinated_total"]
    assert sum(values) == real
    assert len(values) == MAX_LABEL_SETS


def test_a_run_that_leaves_is_forgotten_with_all_that_it_named() -> None:
    now = 0.0
    state = State(lambda: now)
    for event in begun(2, blueprints=["norm"]):
        state.fold(event)
    state.fold(Event(9, 0.0, Scope("r1"), RunEnded(outcome="completed", duration=1.0)))
    now = GRACE
    state.snapshot(GRACE)
    assert not state._zeros._expected
    assert not state._zeros._environments


def test_names_without_end_cost_no_memory() -> None:
    state = State(lambda: 0.0)
    for event in begun(1, blueprints=[f"b{n}" for n in range(3 * MAX_LABEL_SETS)]):
        state.fold(event)
    assert len(state._zeros._expected["r1"]) == MAX_LABEL_SETS
