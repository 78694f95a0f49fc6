"""A short log of esper-lite, written by hand with all that is odd in such logs: what each line becomes."""

import math
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Event
from nissa.events.foreign import ForeignEventCarried
from nissa.events.kinds import (
    Action,
    CounterfactualMeasured,
    DecisionMade,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    GateCheck,
    GateEvaluated,
    PhaseTimed,
    PolicyUpdated,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
)
from nissa.pipeline.replay import replay
from nissa.pipeline.sources.esper.rules import Translation
from nissa.pipeline.sources.esper.rules_table import RULES
from tests.pipeline.sources.conftest import Write
from tests.pipeline.sources.reading import adds_up, read


@pytest.fixture
def events(excerpt: Path) -> list[Event[Any]]:
    return read(excerpt)[0]


def payloads(events: list[Event[Any]], kind: type[Any]) -> list[Any]:
    return [event.payload for event in events if type(event.payload) is kind]


def places(events: list[Event[Any]], kind: type[Any]) -> list[tuple[Any, ...]]:
    return [(e.scope.env, e.scope.episode, e.scope.epoch) for e in events if type(e.payload) is kind]


def test_each_line_is_translated_carried_or_refused_with_a_reason(excerpt: Path) -> None:
    events, reading = read(excerpt)
    account = reading.foreign
    assert account
    assert adds_up(reading)
    counts = (account.lines, account.translated, account.carried, account.malformed, account.duplicates, account.added)
    assert counts == (37, 27, 6, 3, 1, 2)
    assert account.odd == {
        "ANALYTICS_SNAPSHOT last_action.decision_entropy: a number in a string": 1,
        "COUNTERFACTUAL_MATRIX_COMPUTED.configs: a mask twice": 1,
        "COUNTERFACTUAL_MATRIX_COMPUTED.strategy: not full_factorial, so what is all off may be made up": 1,
        "NaN or Infinity as a bare word": 1,
        "PPO_UPDATE_COMPLETED.skipped: no update took place, so its numbers are none": 1,
        "SEED_GERMINATED.blueprint_id: missing": 1,
        "event_type: missing, or no name": 1,
        "not JSON": 1,
        "torn last line: not JSON": 1,
    }
    assert reading.unknown == {"esper-lite SEEDS_SANG": 1}
    assert reading.problems[0] == "esper_excerpt.jsonl:26: not JSON"
    assert [event.seq for event in events] == list(range(35))


def test_a_run_is_named_by_its_beginning_and_keeps_its_settings(events: list[Event[Any]]) -> None:
    (run,) = payloads(events, RunStarted)
    assert {event.scope.run for event in events} == {"esper-20260301-120000"}
    assert {event.scope.group for event in events} == {"A"}
    assert (run.base_seed, run.n_envs, run.n_episodes, run.max_epochs, run.host_params) == (11, 2, 1, 4, 1000)
    assert (run.task_type, run.host_architecture) == ("cifar_baseline", None)
    assert run.slot_config == {"r0c0": None, "r0c1": None}
    assert run.hyperparameters["param_budget"] == 5000


def test_an_episode_starts_with_its_first_event(events: list[Event[Any]]) -> None:
    first, second = payloads(events, EpisodeStarted)
    assert (first.policy, first.host_params, first.torch_seed, first.max_epochs) == ("ppo", 1000, None, 4)
    assert places(events, EpisodeStarted) == [(0, 0, 0), (1, 1, 0)]
    assert first == second


def test_epochs_know_how_large_their_seeds_are(events: list[Event[Any]]) -> None:
    rows = [
        (e.scope.env, e.scope.epoch, e.payload.val_accuracy, e.payload.total_seed_params, e.payload.fossilized_params)
        for e in events
        if isinstance(e.payload, EpochCompleted)
    ]
    assert rows == [
        *[(0, 1, 40.0, 0, 0), (1, 1, 30.0, 0, 0), (0, 2, 45.0, 50, 0), (1, 2, 35.0, 300, 0)],
        *[(0, 3, 50.0, 50, 0), (1, 3, 36.0, 300, 0), (0, 4, 48.0, 50, 50), (1, 4, 34.0, 0, 0)],
    ]
    last = payloads(events, EpochCompleted)[-2]
    assert (last.train_loss, last.train_accuracy, last.host_grad_norm, last.n_val) == (None, None, None, None)
    assert (last.host_params, last.total_params) == (1000, 1050)
    (slot,) = last.slots
    assert (slot.slot, slot.stage, slot.seed, slot.blueprint) == ("r0c0", "FOSSILIZED", "ep0_env0_seed_0", "norm")


def test_a_seed_event_stands_in_the_host_epoch_and_not_in_the_round(events: list[Event[Any]]) -> None:
    assert places(events, SeedGerminated) == [(0, 0, 1), (1, 1, 1), (None, None, None)]
    assert places(events, SeedFossilized) == [(0, 0, 3)]
    assert places(events, SeedCulled) == [(1, 1, 3)]
    assert payloads(events, SeedFossilized)[0].seed == "ep0_env0_seed_0"
    assert payloads(events, SeedCulled)[0].improvement == -2.5


def test_an_ablation_is_their_counterfactual_and_not_their_blending_delta(events: list[Event[Any]]) -> None:
    """The culled one tells a blending delta of 0.0, and no counterfactual."""
    assert [seed.ablation for seed in payloads(events, SeedFossilized)] == [9.0]
    assert [seed.ablation for seed in payloads(events, SeedCulled)] == [None]


def test_stages_have_their_names_of_today_and_embargo_is_one(events: list[Event[Any]]) -> None:
    changes = [(change.from_stage, change.to_stage, change.blueprint) for change in payloads(events, StageChanged)]
    assert changes == [
        ("GERMINATED", "HOLDING", "norm"),
        ("HOLDING", "FOSSILIZED", "norm"),
        ("CULLED", "EMBARGOED", "conv_light"),
        ("EMBARGOED", "RESETTING", "conv_light"),
        ("RESETTING", "DORMANT", "conv_light"),
    ]


def test_checks_of_a_gate_give_their_numbers(events: list[Event[Any]]) -> None:
    (gate,) = payloads(events, GateEvaluated)
    assert (gate.gate, gate.passed, gate.blueprint, gate.target_stage) == ("G2", False, "norm", "BLENDING")
    assert gate.checks == [
        GateCheck(name="no_exploding_gradients", passed=True),
        GateCheck(name="insufficient_training_of", value=2.0, threshold=10.0, passed=False),
        GateCheck(name="gradient_health_low_need", value=0.5, threshold=0.7, passed=False),
    ]


def test_only_a_full_factorial_is_a_measured_one(events: list[Event[Any]]) -> None:
    (matrix,) = payloads(events, CounterfactualMeasured)
    assert places(events, CounterfactualMeasured) == [(1, 1, 3)]
    rows = [(result.config, result.val_accuracy, result.val_loss) for result in matrix.results]
    assert rows == [
        ([False, False], 30.0, None),
        ([True, False], 31.0, None),
        ([False, True], 33.0, None),
        ([True, True], 36.0, None),
    ]


def test_a_skipped_update_gives_no_numbers_and_nan_stays_nan(events: list[Event[Any]]) -> None:
    (update,) = payloads(events, PolicyUpdated)
    assert math.isnan(update.explained_variance)
    assert (update.update, update.decisions, update.grad_norm, update.approx_kl) == (0, 8, 2.0, 0.01)
    assert (update.entropy, update.heads, update.early_stopped) == (None, {}, False)


def test_what_else_is_translated(events: list[Event[Any]]) -> None:
    born, waited = payloads(events, DecisionMade)
    assert born.action == Action(op="GERMINATE", slot="r0c0", blueprint="norm", blend="sigmoid")
    assert (waited.action, waited.reward, waited.value) == (Action(op="WAIT"), 0.5, 0.5)
    assert (born.accuracy_delta, waited.accuracy_delta) == (None, 5.0)
    assert payloads(events, PhaseTimed)[0].durations == {"train": 0.05, "val": 0.006}
    ended = payloads(events, EpisodeEnded)
    assert [(end.final_loss, end.growth_ratio, end.total_reward) for end in ended] == [
        (1.0, 1.05, 1.5),
        (1.5, 1.0, -0.5),
    ]


def test_what_is_not_translated_is_carried_whole(events: list[Event[Any]]) -> None:
    carried = {event.payload.type: event for event in events if isinstance(event.payload, ForeignEventCarried)}
    assert carried["SEEDS_SANG"].payload.data == {"env_id": 0, "episode_idx": 0, "inner_epoch": 4, "song": "la"}
    assert carried["SEEDS_SANG"].scope[2:] == (0, 0, 4)
    assert carried["MORPHOLOGY_CAUSAL_LOG"].scope[2:] == (0, 0, 1)
    assert carried["MORPHOLOGY_CAUSAL_LOG"].payload.envelope["severity"] == "debug"
    assert carried["SEED_GERMINATED"].payload.reason == "blueprint_id: missing"
    assert carried["PERFORMANCE_DEGRADATION"].scope.env is None


def test_the_tables_come_out_as_by_hand(excerpt: Path) -> None:
    summary = replay(excerpt).summary()
    boards = {row["env"]: (row["germinated"], row["fossilized"], row["culled"]) for row in summary["scoreboards"]}
    assert boards == {0: (1, 1, 0), 1: (1, 0, 1), None: (1, 0, 0)}
    best = [(r["env"], r["episode"], r["epoch"], r["peak_accuracy"], r["growth_ratio"]) for r in summary["best_runs"]]
    assert best == [(0, 0, 3, 50.0, 1.05), (1, 1, 3, 36.0, 1.3)]


def test_nan_is_an_alert_and_what_is_not_known_is_none(excerpt: Path) -> None:
    result = replay(excerpt)
    found = [(row["alert"], row["severity"], row["subject"]) for row in result.summary()["alerts"]]
    assert ("non_finite", "critical", "explained_variance") in found
    assert {kind for kind, severity, _ in found if severity != "info"} == {"non_finite"}
    assert not result.faults.counts


def epoch(**changes: Any) -> dict[str, Any]:
    data = {"env_id": 0, "episode_idx": 0, "inner_epoch": 1, "val_accuracy": 50.0, "val_loss": 1.0, "seeds": {}}
    return {"event_type": "EPOCH_COMPLETED", "timestamp": "2026-03-01T12:00:00", "data": data | changes}


def test_a_number_in_a_string_is_a_number(write: Write) -> None:
    (event,), reading = read(write(epoch(val_accuracy="62.5", env_id="3")))
    assert (event.payload.val_accuracy, event.scope.env) == (62.5, 3)
    assert reading.foreign
    assert reading.foreign.odd == {
        "EPOCH_COMPLETED.env_id: a number in a string": 1,
        "EPOCH_COMPLETED.val_accuracy: a number in a string": 1,
    }


def test_a_field_that_need_not_be_told_does_not_cost_the_event(write: Write) -> None:
    seeds = {"r0c0": {"stage": "TRAINING", "epochs_in_stage": "many", "alpha": 0.0}}
    (event,), reading = read(write(epoch(train_loss=[1], seeds=seeds)))
    assert (event.payload.val_accuracy, event.payload.train_loss, event.payload.total_seed_params) == (50.0, None, None)
    assert event.extra
    assert event.extra["foreign"]["data"]["train_loss"] == [1]
    assert adds_up(reading)


def test_a_seed_whose_germination_is_lost_makes_the_size_unknown_and_not_zero(write: Write) -> None:
    seeds = {"r0c0": {"stage": "TRAINING", "blueprint_id": "norm", "epochs_in_stage": 1, "alpha": 0.0}}
    (event,), _ = read(write(epoch(seeds=seeds)))
    assert (event.payload.total_seed_params, event.payload.fossilized_params) == (None, 0)
    assert event.payload.slots[0].seed_params is None


def test_without_a_start_of_the_training_no_episode_is_said_to_start(write: Write) -> None:
    events, _ = read(write(epoch(), epoch(inner_epoch=2)))
    assert [event.payload.kind for event in events] == ["epoch_completed"] * 2
    assert events[0].payload.host_params is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1, 2]", "no object"),
        ('{"event_type": 7}', "event_type: missing, or no name"),
        ('{"event_type": "EPOCH_COMPLETED"}', "timestamp: missing, or no time of day"),
        ('{"event_type": "X", "timestamp": "2026-03-01", "data": [1]}', "data: no object"),
        ('{"event_type": "X", "timestamp": "2026-03-01", "data": 0}', "data: no object"),
        ("[" * 5000, "not JSON"),
        ('{"event_type": "\\ud800", "timestamp": NaN}', "not JSON"),
    ],
)
def test_what_is_no_event_is_malformed_and_said_why(write: Write, line: str, reason: str) -> None:
    events, reading = read(write(epoch(), line))
    assert len(events) == 1
    assert reading.foreign
    assert reading.foreign.odd == {reason: 1}
    assert reading.problems == [f"events.jsonl:2: {reason}"]


def test_every_field_that_a_kind_asks_for_has_a_source() -> None:
    tables = [rule.into for rule in RULES.values() if isinstance(rule.into, Translation)]
    assert len(tables) == 13
    for into in tables:
        assert set(into.required) <= set(into.fields) <= set(into.kind.__slots__)
