"""What is told of a network, a seed or a policy is gone with it, and what nobody told is not shown as 0."""

from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.registry import Collector

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    Action,
    CounterfactualMeasured,
    CounterfactualResult,
    DecisionMade,
    EpisodeCompared,
    EpochCompleted,
    GradientsMeasured,
    HostBaselineEpoch,
    Payload,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SlotSnapshot,
    VerdictReached,
)
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.state import MAX_TWIN_EPOCHS
from tests.samples import episode_started, epoch_completed, policy_updated

Series = tuple[str, frozenset[tuple[str, str]]]
Shown = Callable[[Collector], dict[Series, float]]
ENV = Scope("r", "ppo", 0, 0, 1)


class Run:
    """Tells a sink what happens, in order."""

    def __init__(self, shown: Shown) -> None:
        self.sink, self.shown, self.seq = PrometheusSink(), shown, 0

    def tell(self, payload: Payload, **where: Any) -> None:
        self.seq += 1
        self.sink(Event(self.seq, float(self.seq), ENV._replace(**where), payload))

    def said(self, name: str, *labels: str) -> dict[tuple[str, ...] | str, float]:
        """The series of a metric by the values of these labels."""
        found = [(dict(row), value) for (metric, row), value in self.shown(self.sink).items() if metric == name]
        return {tuple(row[label] for label in labels) if len(labels) > 1 else row[labels[0]]: v for row, v in found}

    def names(self) -> set[str]:
        return {name for name, _ in self.shown(self.sink)}


@pytest.fixture
def run(shown: Shown) -> Run:
    return Run(shown)


def culled(slot: str = "early", initiator: str = "policy", **more: Any) -> SeedCulled:
    return SeedCulled(slot=slot, reason="", initiator=initiator, epochs_total=3, **more)


def ablation() -> CounterfactualMeasured:
    results = [CounterfactualResult(config=[on], alpha_settings={}, val_accuracy=80.0 + on) for on in (False, True)]
    return CounterfactualMeasured(slots=["early"], results=results)


GERMINATED = SeedGerminated(slot="early", seed="s", blueprint="norm", params=1)
ABLATIONS = {f"nissa_ablation_{what}" for what in ("all_on_accuracy_ratio", "all_off_accuracy_ratio", "configurations")}


@pytest.mark.parametrize(
    ("happens", "stays"),
    [
        (culled(), False),
        (GERMINATED, False),
        (episode_started(), False),
        (culled(initiator="episode_end"), True),
        (SeedFossilized(slot="early", seed="s", params_added=1, epochs_total=3), True),
        (epoch_completed(50.0), True),
    ],
    ids=["culled", "germinated", "next episode", "cleared away", "fossilized", "an epoch"],
)
def test_an_ablation_is_of_the_seeds_that_were_there(happens: Payload, stays: bool, run: Run) -> None:
    run.tell(ablation())
    assert run.names() >= ABLATIONS
    run.tell(happens)
    assert run.names() & ABLATIONS == (ABLATIONS if stays else set())


def test_another_environment_loses_nothing(run: Run) -> None:
    run.tell(ablation())
    run.tell(ablation(), env=1)
    run.tell(culled(), env=1)
    assert run.said("nissa_ablation_configurations", "env") == {"0": 2}


def test_a_gradient_by_that_of_the_host_goes_with_its_seed(run: Run) -> None:
    ratios = {"early": 0.5, "late": 0.25}
    run.tell(GradientsMeasured(batch=0, layers={}, host_norm=1.0, slot_norms={}, seed_to_host=ratios))
    run.tell(culled("late", "episode_end"))
    assert run.said("nissa_slot_host_grad_ratio", "slot") == ratios
    run.tell(culled("early"))
    assert run.said("nissa_slot_host_grad_ratio", "slot") == {"late": 0.25}
    assert run.said("nissa_measured_epoch", "kind") == {"gradients_measured": 1}


@pytest.mark.parametrize(("stage", "there"), [("TRAINING", True), ("FOSSILIZED", True), ("CULLED", False)])
def test_an_empty_slot_contributes_nothing_that_could_be_shown(stage: str, there: bool, run: Run) -> None:
    slot = SlotSnapshot(
        slot="early", stage=stage, epochs_in_stage=1, counterfactual_contribution=3.0, total_improvement=2.0
    )
    run.tell(EpochCompleted(val_loss=1.0, val_accuracy=50.0, seed_grad_norms={}, slots=[slot]))
    assert run.said("nissa_slot_ablation_ratio", "slot") == ({"early": 0.03} if there else {})
    assert run.said("nissa_slot_improvement_ratio", "slot") == ({"early": 0.02} if there else {})


def test_the_twin_stands_beside_the_epoch_that_the_episode_completed(run: Run) -> None:
    for epoch, accuracy in ((1, 30.0), (2, 45.0), (3, 50.0)):
        run.tell(HostBaselineEpoch(val_accuracy=accuracy), episode=None, epoch=epoch)
    run.tell(HostBaselineEpoch(val_accuracy=99.0), env=1, episode=None, epoch=2)
    run.tell(episode_started())
    assert "nissa_baseline_epoch_accuracy_ratio" not in run.names()
    for epoch, beside in ((2, {"0": 0.45}), (3, {"0": 0.5}), (4, {})):
        run.tell(epoch_completed(60.0), epoch=epoch)
        assert run.said("nissa_baseline_epoch_accuracy_ratio", "env") == beside


@pytest.mark.parametrize("every", [1, 10])
def test_a_twin_that_begins_anew_leaves_nothing_of_the_one_before(run: Run, every: int) -> None:
    for epoch in (every, 2 * every, every):
        run.tell(HostBaselineEpoch(val_accuracy=1.0 * epoch), episode=None, epoch=epoch)
    run.tell(epoch_completed(60.0), epoch=2 * every)
    assert "nissa_baseline_epoch_accuracy_ratio" not in run.names()


def test_a_twin_without_end_costs_no_memory(run: Run) -> None:
    for epoch in range(MAX_TWIN_EPOCHS + 9):
        run.tell(HostBaselineEpoch(val_accuracy=1.0), episode=None, epoch=epoch)
    (place,) = run.sink._state._places.values()
    assert len(place.twin) == MAX_TWIN_EPOCHS


def test_an_accuracy_that_was_not_kept_or_not_told_of_the_twin_is_absent(run: Run) -> None:
    run.tell(EpisodeCompared(group="ppo", env=0, episode=0, epochs=9, final_accuracy=90.0, final_growth_ratio=1.5))
    assert run.said("nissa_episode_final_accuracy_ratio", "env") == {"0": 0.9}
    assert run.names().isdisjoint(
        f"nissa_episode_{what}_ratio"
        for what in ("kept_accuracy", "kept_growth", "twin_accuracy", "twin_peak_accuracy")
    )


@pytest.mark.parametrize(
    ("said", "value"), [("better", {"ppo": 1}), ("worse", {"ppo": -1}), ("not shown", {"ppo": 0}), ("newer word", {})]
)
def test_a_verdict_is_a_sign_and_one_without_interval_has_none(said: str, value: dict[str, float], run: Run) -> None:
    wins = dict.fromkeys(("efficiency_episodes", "efficiency_wins", "accuracy_wins", "accuracy_ties"), 0)
    counts: dict[str, Any] = {"envs": 1, "episodes": 2, "compared": 2, "unended": 0, **wins}
    run.tell(VerdictReached(group="ppo", kept_training_delta_mean=1.5, shown=said, **counts))
    assert run.said("nissa_verdict", "group") == value
    assert run.said("nissa_verdict_kept_training_delta_mean_ratio", "group") == {"ppo": 0.015}
    assert run.names().isdisjoint(
        {"nissa_verdict_kept_training_delta_low_ratio", "nissa_verdict_kept_training_delta_high_ratio"}
    )


def test_the_end_of_a_seed_counts_for_the_blueprint_that_its_germination_told(run: Run) -> None:
    run.tell(episode_started())
    for slot, seed, blueprint in (("early", "a", "norm"), ("early", "b", "attention"), ("late", "c", "norm")):
        run.tell(SeedGerminated(slot=slot, seed=seed, blueprint=blueprint, params=1))
    run.tell(culled("early", seed="b"))
    run.tell(SeedFossilized(slot="early", seed="a", params_added=8, epochs_total=3))
    run.tell(culled("late"))
    run.tell(culled("late"))
    assert run.said("nissa_seeds_fossilized_total", "blueprint") == {"norm": 1, "attention": 0}
    found = run.said("nissa_seeds_culled_total", "blueprint", "initiator")
    assert {key: value for key, value in found.items() if value} == {
        ("norm", "policy"): 1,
        ("attention", "policy"): 1,
        ("unknown", "policy"): 1,
    }


def test_a_seed_of_the_episode_before_names_none_of_this_one(run: Run) -> None:
    run.tell(GERMINATED)
    run.tell(episode_started())
    run.tell(culled(seed="s"))
    assert run.said("nissa_seeds_culled_total", "blueprint", "initiator")["unknown", "policy"] == 1


def test_policies_of_environments_have_series_of_their_own(run: Run) -> None:
    for env, kl in ((None, 0.01), (0, 0.02), (1, 0.03)):
        run.tell(policy_updated(approx_kl=kl), env=env, episode=None, epoch=None)
    assert run.said("nissa_policy_approx_kl_nats", "env") == {"": 0.01, "0": 0.02, "1": 0.03}
    assert run.said("nissa_policy_updates_total", "env") == {"": 1, "0": 1, "1": 1}
    assert run.said("nissa_policy_last_update_timestamp_seconds", "env") == {"": 1, "0": 2, "1": 3}
    assert run.said("nissa_head_mean_policy_entropy_nats", "env", "head").keys() == {(e, "op") for e in ("", "0", "1")}


def decision(op: str, **more: Any) -> DecisionMade:
    return DecisionMade(action=Action(op=op), heads={}, reward=0.0, **more)


def test_shares_of_decisions_are_of_those_of_which_something_is_told(run: Run) -> None:
    run.tell(episode_started())
    run.tell(episode_started(), env=1)
    told = [
        decision("WAIT"),
        decision("WAIT", heuristic=Action(op="WAIT"), executed=True, masked=False),
        decision("WAIT", heuristic=Action(op="WAIT", slot="early"), executed=True),
        decision("WAIT", heuristic=Action(op="CULL")),
        decision("CULL", executed=False, refused_by="G0", masked=True),
        decision("CULL", executed=False),
    ]
    for payload in told:
        run.tell(payload)
    assert run.said("nissa_decisions_heuristic_told_total", "env", "action") == {("0", "WAIT"): 3}
    assert run.said("nissa_decisions_op_agreed_total", "env", "action") == {("0", "WAIT"): 2}
    assert run.said("nissa_decisions_agreed_total", "env", "action") == {("0", "WAIT"): 1}
    assert run.said("nissa_decisions_execution_told_total", "action") == {"WAIT": 2, "CULL": 2}
    assert run.said("nissa_decisions_executed_total", "action") == {"WAIT": 2, "CULL": 0}
    assert run.said("nissa_decisions_refused_total", "action", "reason") == {("CULL", "G0"): 1, ("CULL", "not told"): 1}
    assert run.said("nissa_decisions_masking_told_total", "env") == {"0": 2}
    assert run.said("nissa_decisions_masked_total", "env") == {"0": 1}
