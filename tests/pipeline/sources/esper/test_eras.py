"""Lines of esper-lite from its first months on: the same field under another name, another field under the same one."""

from typing import Any

import pytest

from nissa.events.kinds import (
    CounterfactualMeasured,
    DecisionMade,
    EpisodeEnded,
    EpochCompleted,
    ForeignEventCarried,
    PolicyUpdated,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
)
from nissa.pipeline.replay import replay
from tests.pipeline.sources.conftest import Write
from tests.pipeline.sources.esper.old_lines import (
    average,
    born,
    ended,
    epoch,
    line,
    staged,
    started,
    updated,
)
from tests.pipeline.sources.reading import adds_up, read


@pytest.fixture
def one(write: Write) -> Any:
    """Reads lines; the last event, and why lines were carried or mended."""

    def last(*rows: dict[str, Any]) -> tuple[Any, set[str]]:
        events, reading = read(write(*rows))
        assert adds_up(reading)
        assert reading.foreign
        return events[-1], {reason for reason in reading.foreign.odd if not reason.startswith("episode_idx")}

    return last


def test_of_the_first_days_a_seed_has_no_environment(one: Any) -> None:
    event, _ = one(born(env=None, blueprint_id="conv_enhance"))
    assert (event.payload.slot, event.payload.blueprint, event.scope.env) == ("block2_post", "conv_enhance", None)
    event, odd = one(line("SEED_GERMINATED", {}, seed_id="s", slot_id="block2_post"))
    assert isinstance(event.payload, ForeignEventCarried)
    assert odd == {"SEED_GERMINATED.blueprint_id: missing"}


def test_stages_were_spelled_otherwise_and_told_alone(one: Any) -> None:
    event, odd = one(born(), staged("SHADOWING", "PROBATIONARY"))
    assert event.payload == StageChanged(
        slot="block2_post", seed="env0_seed_0", blueprint="norm", from_stage="SHADOWING", to_stage="HOLDING"
    )
    assert (event.extra["foreign"]["data"], odd) == ({"env_id": 0}, set())


def test_a_stage_of_december_tells_more_and_the_epoch_itself(one: Any) -> None:
    told: dict[str, Any] = {
        "accuracy_delta": 1.5,
        "epochs_in_stage": 3,
        "alpha": 0.25,
        "inner_epoch": 7,
        "global_epoch": 4,
    }
    event, _ = one(staged("BLENDING", "PROBATIONARY", **told))
    change = event.payload
    assert (change.accuracy_delta, change.epochs_in_stage, change.alpha, event.scope.epoch) == (1.5, 3, 0.25, 7)


def test_a_fossilized_seed_has_its_size_from_its_end_or_its_beginning(one: Any) -> None:
    event, _ = one(born(), ended("SEED_FOSSILIZED", params_added=130))
    assert event.payload == SeedFossilized(
        slot="block2_post",
        seed="env0_seed_0",
        blueprint="norm",
        improvement=2.5,
        ablation=56.0,
        params_added=130,
        epochs_total=10,
    )
    auto = ended("SEED_FOSSILIZED", contribution=3.0)
    del auto["data"]["improvement"]
    event, odd = one(born(), auto)
    assert (event.payload.params_added, event.payload.improvement, odd) == (129, None, set())
    assert event.extra["foreign"]["data"]["contribution"] == 3.0
    assert one(auto)[0].payload.params_added is None


@pytest.mark.parametrize(
    ("reason", "seed", "initiator"),
    [
        ("", "env0_seed_0", "policy"),
        ("", "seed_0", None),
        ("governor_rollback", "env0_seed_0", "governor"),
        ("governor_nan", "seed_0", "governor"),
        ("negative_counterfactual", "env0_seed_0", "auto"),
        ("probation_timeout", "env0_seed_0", "auto"),
        ("Failing in TRAINING", "seed_0", None),
    ],
)
def test_who_wanted_a_cull_follows_from_the_reason(one: Any, reason: str, seed: str, initiator: str | None) -> None:
    event, _ = one(ended("SEED_CULLED", seed, reason=reason))
    assert isinstance(event.payload, SeedCulled)
    assert (event.payload.reason, event.payload.initiator) == (reason, initiator)
    assert one(ended("SEED_PRUNED", seed, reason=reason, initiator="x"))[0].payload.initiator == "x"


@pytest.mark.parametrize(("improvement", "epochs", "found"), [(0.0, 1, None), (0.0, 2, 0.0), (-1.0, 1, -1.0)])
def test_an_improvement_of_zero_in_the_first_epoch_was_not_measured(
    one: Any, improvement: float, epochs: int, found: float | None
) -> None:
    event, odd = one(ended("SEED_CULLED", improvement=improvement, epochs_total=epochs))
    assert event.payload.improvement == found
    assert bool(odd) == (found is None)


def test_the_average_of_a_round_is_no_epoch(one: Any) -> None:
    for row in (average(), average(env_id=0)):
        event, odd = one(row)
        assert (event.payload.kind, event.scope.env in (None, 0)) == ("foreign_event_carried", True)
        assert odd == {"EPOCH_COMPLETED.n_envs: the average of a round, and no epoch of an environment"}


def test_an_epoch_of_the_heuristic_is_numbered_beside_its_payload(one: Any) -> None:
    row = epoch(4, train_loss=0.5, train_accuracy=60.0)
    del row["data"]["inner_epoch"]
    event, _ = one(row)
    assert isinstance(event.payload, EpochCompleted)
    assert (event.scope.epoch, event.payload.train_accuracy) == (4, 60.0)


def test_slots_of_an_epoch_keep_what_is_told_and_rename_stages(one: Any) -> None:
    event, odd = one(epoch(1, seeds={"r0c0": {"stage": "PROBATIONARY"}, "r0c1": {"stage": "SHADOWING", "alpha": 1.0}}))
    slots = [(slot.slot, slot.stage, slot.alpha, slot.epochs_in_stage) for slot in event.payload.slots]
    assert (slots, odd) == ([("r0c0", "HOLDING", None, None), ("r0c1", "SHADOWING", 1.0, None)], set())


def test_a_decision_was_an_op_and_told_all_that_was_drawn(one: Any) -> None:
    drawn = {"kind": "last_action", "env_id": 0, "inner_epoch": 1, "slot_id": "r0c0", "blueprint_id": "norm"}
    waited, _ = one(line("ANALYTICS_SNAPSHOT", drawn | {"op": "WAIT", "blend_id": "linear"}))
    grown, _ = one(line("ANALYTICS_SNAPSHOT", drawn | {"op": "GERMINATE", "blend_id": "linear"}))
    assert isinstance(waited.payload, DecisionMade)
    parts = ("op", "slot", "blueprint", "blend")
    found = [tuple(getattr(event.payload.action, part) for part in parts) for event in (waited, grown)]
    assert found == [("WAIT", None, None, None), ("GERMINATE", "r0c0", "norm", "linear")]
    assert (waited.payload.reward, waited.extra["foreign"]["data"]["blueprint_id"]) == (None, "norm")


def test_a_training_need_not_tell_sizes_and_its_episodes_are_of_all_environments(one: Any) -> None:
    run = one(started())[0].payload
    assert isinstance(run, RunStarted)
    assert (run.n_envs, run.n_episodes, run.host_params, run.slot_config) == (2, 3, None, {})
    assert one(started(n_episodes=5))[0].payload.n_episodes is None
    assert one(started(max_batches=6, host_params=10, slot_ids=["r0c0"]))[0].payload.n_episodes == 3


def test_an_update_of_the_first_days_has_no_largest_ratio_but_a_warnings(one: Any) -> None:
    event, odd = one(updated(1, 4))
    update = event.payload
    assert isinstance(update, PolicyUpdated)
    assert (update.update, update.approx_kl, update.ratio_max, update.explained_variance) == (0, -0.001, None, 0.3)
    assert (update.grad_norm, update.value_mean, update.entropy, update.early_stopped) == (None, None, None, False)
    assert event.extra["foreign"]["data"]["ratio_max"] == 1.05
    assert {reason.partition(":")[0] for reason in odd} == {
        "PPO_UPDATE_COMPLETED.approx_kl",
        "PPO_UPDATE_COMPLETED.ratio_max",
    }
    warning = line("VALUE_COLLAPSE_DETECTED", {"ratio_max": 1.25, "train_steps": 1})
    assert one(warning, updated(1, 4))[0].payload.ratio_max == 1.25
    assert one(warning, updated(2, 8))[0].payload.ratio_max is None


def test_what_a_recurrent_policy_did_not_measure_is_none(one: Any) -> None:
    ratios = {"ratio_max": 1.0, "ratio_min": 1.0, "ratio_std": 0.0, "clip_fraction": 0.0, "explained_variance": 0.0}
    update = one(updated(1, 4, **ratios))[0].payload
    assert (update.clip_fraction, update.explained_variance, update.ratio_max) == (None, None, None)


def test_a_gradient_norm_after_clipping_is_none_of_ours(one: Any) -> None:
    row = updated(1, 2, kl_divergence=0.01, grad_norm=0.5, ratio_max=1.3)
    del row["data"]["approx_kl"]
    event, odd = one(row)
    update = event.payload
    assert (update.grad_norm, update.ratio_max, update.approx_kl, odd) == (None, 1.3, 0.01, set())
    assert event.extra["foreign"]["data"]["grad_norm"] == 0.5
    row["data"]["pre_clip_grad_norm"] = 7.0
    assert one(row)[0].payload.grad_norm == 7.0


def test_a_round_that_was_rolled_back_is_no_update(one: Any) -> None:
    event, odd = one(line("PPO_UPDATE_COMPLETED", {"reason": "governor_rollback", "skipped": True}))
    assert event.payload.kind == "foreign_event_carried"
    assert odd == {"PPO_UPDATE_COMPLETED.skipped: no update took place, so its numbers are none"}


def test_an_outcome_without_its_type_is_completed_if_its_last_epoch_was(one: Any) -> None:
    told = {"env_id": 0, "episode_idx": 0, "final_accuracy": 51.0, "num_fossilized": 0, "episode_reward": 2.0}
    outcome = line("EPISODE_OUTCOME", told)
    event, _ = one(started(host_params=1000), epoch(1), epoch(2), outcome)
    assert isinstance(event.payload, EpisodeEnded)
    end = event.payload
    assert (end.outcome, end.epochs, end.fossilized, end.culled, end.growth_ratio) == ("completed", 2, 0, None, 1.0)
    event, odd = one(started(), epoch(1), outcome)
    assert (event.payload.kind, odd) == ("foreign_event_carried", {"EPISODE_OUTCOME.outcome_type: missing"})


@pytest.mark.parametrize(
    ("rows", "told", "translated"),
    [
        ([[True, 50.0], [False, 40.0]], {"compute_time_ms": 0.03}, True),
        ([[True, 50.0], [False, 40.0]], {"compute_time_ms": 0.0, "episode_idx": 1}, True),
        ([[True, 50.0], [False, 40.0]], {"compute_time_ms": 0.0}, False),
        ([[True, 50.0], [True, 9.0], [False, 0.0]], {"compute_time_ms": 1.0, "episode_idx": 1}, False),
        ([[True, 50.0], [True, 50.0], [False, 0.0]], {"compute_time_ms": 1.0, "episode_idx": 1}, True),
    ],
)
def test_a_matrix_of_estimates_is_carried(one: Any, rows: Any, told: dict[str, Any], translated: bool) -> None:
    configs = [{"seed_mask": [mask], "accuracy": accuracy} for mask, accuracy in rows]
    data = {"env_id": 0, "slot_ids": ["r0c0"], "configs": configs, "strategy": "full_factorial"}
    event, _ = one(line("COUNTERFACTUAL_MATRIX_COMPUTED", data | told))
    assert isinstance(event.payload, CounterfactualMeasured) == translated


def test_a_seed_that_comes_back_after_a_rollback_is_known_and_told(write: Write) -> None:
    """Culled, and alive again; fossilized, and culled later: its parameters do not stay."""
    rows = [
        *(started(host_params=1000), born(), ended("SEED_CULLED", reason="governor_rollback")),
        *(staged("SHADOWING", "PROBATIONARY"), ended("SEED_FOSSILIZED", params_added=129)),
        *(staged("PROBATIONARY", "CULLED"), ended("SEED_CULLED")),
        *(epoch(1), epoch(2), line("EPISODE_OUTCOME", {"env_id": 0, "episode_idx": 0, "num_fossilized": 0})),
    ]
    events, reading = read(write(*rows))
    changes = [event.payload.blueprint for event in events if isinstance(event.payload, StageChanged)]
    assert changes == ["norm", "norm"]
    assert [e.payload.growth_ratio for e in events if isinstance(e.payload, EpisodeEnded)] == [1.0]
    assert reading.foreign
    assert reading.foreign.odd["seed_id: of a seed that had ended, and that a rollback brought back"] == 2
    (row,) = replay(write(*rows)).summary()["blueprints"]
    assert (row["germinated"], row["fossilized"], row["culled"]) == (1, 1, 2)


def test_a_seed_whose_number_comes_again_is_another_one(write: Write) -> None:
    events, reading = read(
        write(born(), ended("SEED_CULLED"), born(blueprint_id="attention"), staged("TRAINING", "BLENDING"))
    )
    assert [event.payload.blueprint for event in events if isinstance(event.payload, StageChanged)] == ["attention"]
    assert len([event for event in events if isinstance(event.payload, SeedGerminated)]) == 2
    assert reading.foreign
    assert not any(reason.startswith("seed_id") for reason in reading.foreign.odd)


def test_a_seed_that_comes_back_and_never_ends_again_is_told(write: Write) -> None:
    events, reading = read(write(born(), ended("SEED_FOSSILIZED"), staged("SHADOWING", "PROBATIONARY")))
    assert len(events) == 3
    assert reading.foreign
    assert reading.foreign.odd["seed_id: of a seed that had ended, and that a rollback brought back"] == 1
