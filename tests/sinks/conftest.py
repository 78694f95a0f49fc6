"""A short run in which every kind of event that has metrics happens, with numbers that a person can check."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.registry import Collector

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    AccuracyDelta,
    Action,
    ActivationsMeasured,
    AlertRaised,
    AlertResolved,
    AnalyticsUpdated,
    ArmComparison,
    BatchCompleted,
    BestRun,
    BestRunsRanked,
    BlueprintSummarized,
    ClassesMeasured,
    ClassFigures,
    CounterfactualMeasured,
    CounterfactualResult,
    DecisionMade,
    DecisionsScored,
    EpisodeCompared,
    EpisodeEnded,
    EpisodeStarted,
    EpochAssessed,
    EpochCompleted,
    EquivalentParams,
    EventsDropped,
    FeaturesComputed,
    GateCheck,
    GateEvaluated,
    GpuState,
    GradientsMeasured,
    HeadDecision,
    HeadEntropy,
    Heartbeat,
    HostAloneTrained,
    HostBaselineEpoch,
    HostBaselineMeasured,
    LayerActivations,
    LayerGradients,
    LayerGroup,
    LayerSample,
    LayerWeights,
    MachineState,
    MemoryMeasured,
    OverheadGoverned,
    ParamsEfficiency,
    Payload,
    PhaseTimed,
    PipelineState,
    PolicyComparison,
    PolicyUpdated,
    ProbesConfigured,
    RankFigures,
    RanksCompared,
    RunEnded,
    RunStarted,
    ScalarsLogged,
    ScoreboardUpdated,
    SeedAttribution,
    SeedContribution,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SeedInteraction,
    SeedsAttributed,
    SharpnessMeasured,
    SinkState,
    SlotSnapshot,
    Spread,
    StageChanged,
    TelemetryCost,
    ThroughputMeasured,
    TrainingHealth,
    TrajectoryPoint,
    TrendChanged,
    VerdictReached,
    WeightsMeasured,
)

Series = tuple[str, frozenset[tuple[str, str]]]

RUN = Scope("r1")
GROUP = Scope("r1", "ppo")
ENV = Scope("r1", "ppo", 0, 2, 7)
TWIN = Scope("r1", "ppo", 0, None, 7)

_COST = TelemetryCost(
    emitting=0.25,
    measuring=1.25,
    threads=0.75,
    whole=42.5,
    collecting=2.0,
    overhead=0.05,
    steps=20,
    log_bytes=30_000,
    look_bytes=12_000,
)
_SINK = SinkState(
    sink="log",
    given=99,
    written=90,
    queued=3,
    failed=2,
    retries=5,
    breaker="open",
    dropped={"batch_completed": 4},
    reasons={"full": 3, "end": 1},
    oldest=2.5,
)
_PIPELINE = PipelineState(
    accepted=110,
    delivered=100,
    queued=4,
    dropped={"batch_completed": 6},
    reasons={"heavy": 6},
    refused=1,
    faults={"best_runs": 2},
    restarts=1,
    lag=0.25,
    fidelity_delay=0.125,
    fidelity_delay_max=0.5,
    sinks=[_SINK],
)
_SEED: dict[str, Any] = {"slot": "early", "seed": "s1", "blueprint": "norm"}
_CHECKS = [
    GateCheck(name="min_epochs", value=2.0, relation=">=", threshold=3.0, passed=False),
    GateCheck(name="leakage", value=0.0, relation="<=", threshold=0.1, passed=True),
]
_WAIT = Action(op="WAIT")
ANALYTICS = AnalyticsUpdated(
    group="ppo",
    episodes=20,
    envs=4,
    accuracy_delta=AccuracyDelta(
        kept_training_delta_mean=-3.0,
        ablation_delta_mean=40.0,
        ablation_delta_low=-5.0,
        ablation_delta_high=85.0,
        ablation_delta_n=17,
    ),
    accuracy_trajectory=[TrajectoryPoint(epoch=1, grown_accuracy=20.0, twin_accuracy=21.0)],
    params_efficiency_ratio=ParamsEfficiency(efficiency_ratio_mean=0.775),
    equivalent_traditional_params=EquivalentParams(
        kept_equivalent_params=1500,
        kept_params=1570,
        final_equivalent_params=1450,
        final_params=1600,
        curve_hosts=4,
        curve_envs=1,
    ),
    seed_contributions=[
        SeedContribution(
            slot="early",
            blueprint="norm",
            seed_params=70,
            shapley_mean=24.0,
            shapley_mean_low=-20.0,
            shapley_mean_high=68.0,
            shapley_n=5,
            shapley_envs=3,
        ),
        SeedContribution(slot="late", shapley_n=1, shapley_envs=1),
    ],
    policy_vs_heuristic=[
        PolicyComparison(
            heuristic_op="WAIT",
            policy_op="CULL",
            differing=16,
            agreeing=447,
            differing_gain_mean=-0.25,
            agreeing_gain_mean=0.5,
            policy_gain_mean=-0.75,
            policy_gain_low=-1.5,
            policy_gain_high=0.25,
        )
    ],
    decisions=900,
    action_distribution={"WAIT": 1.0},
    training_health=TrainingHealth(assessed=900, flagged=57, health_mean=0.75, alerts_standing=1),
    arms=[
        ArmComparison(
            other="heuristic", arm_gain_mean=2.0, arm_gain_low=-1.0, arm_gain_high=5.0, arm_envs=4, other_envs=3
        )
    ],
)
"""What a group comes to."""


def head(forced: bool, relevant: bool) -> HeadDecision:
    return HeadDecision(choice=0, log_prob=-0.7, entropy=0.7, mask=[True], valid=1, forced=forced, relevant=relevant)


def best(env: int, rank: int, accuracy: float, growth: float, pareto: bool) -> BestRun:
    return BestRun(
        group="ppo",
        env=env,
        episode=rank,
        epoch=1,
        peak_accuracy=accuracy,
        growth_ratio=growth,
        efficiency=accuracy / growth,
        rank=rank,
        pareto=pareto,
    )


def layer(norm: float, **more: Any) -> LayerGradients:
    zero: dict[str, Any] = dict.fromkeys(("mean", "zero", "vanishing", "exploding"), 0.0)
    return LayerGradients(
        **{"elements": 8, "norm": norm, "std": norm / 2, "percentiles": {}, "non_finite": 0, **zero, **more}
    )


def activations(units: int, **more: Any) -> LayerActivations:
    return LayerActivations(**{"units": units, "mean": 0.0, "std": 0.0, "zero": 0.0, "non_finite": 0, **more})


def group(**ends: tuple[float, float]) -> LayerGroup:
    """Five layers, evenly spread between two ends."""
    spread = {
        figure: Spread(
            least=low,
            lower=low + (high - low) / 4,
            median=(low + high) / 2,
            upper=high - (high - low) / 4,
            largest=high,
            least_layer="host.0",
            largest_layer="host.4",
        )
        for figure, (low, high) in ends.items()
    }
    return LayerGroup(layers=5, spread=spread)


_DRAWN = LayerSample(seen=6, norm_se=0.25, mean_se=0.125, percentiles_se={})
_SMALL = [f"small{n}" for n in range(3)]
"""Layers beyond the sixteen that are shown one by one."""
_HEAD: dict[str, Any] = {"zero": 0.25, "vanishing": 0.5, "exploding": 0.125, "mean": 0.0625, "non_finite": 3}
_GRADIENTS = {
    **{name: layer(norm, elements=4) for name, norm in zip(_SMALL, (0.02, 0.03, 0.06), strict=True)},
    "host.head": layer(
        2.0, percentiles={"p1": -0.5, "p50": 0.03125}, sample=_DRAWN, group=group(norm=(0.5, 1.75)), **_HEAD
    ),
    **{f"host.{n}": layer(0.5) for n in range(15)},
}
_ACTIVATIONS = {
    **{f"host.conv{n}": activations(4) for n in range(3)},
    "host.relu": activations(
        8,
        mean=0.25,
        std=0.5,
        zero=0.375,
        dead=1,
        dormant=0.25,
        effective_rank=5.5,
        non_finite=2,
        group=group(dormant=(0.0, 0.5)),
    ),
    **{f"host.relu{n}": activations(8, dead=2, dormant=0.25) for n in range(15)},
}


_MACHINE = MachineState(
    cpu=1.5,
    resident=900,
    gpus=[GpuState(gpu=0, name="H200", busy=0.5, memory=10, memory_size=140, power=300.0)],
)
COMPARED = RanksCompared(
    group="ppo",
    env=0,
    episode=0,
    epoch=1,
    batch=9,
    steps=10,
    incomplete=2,
    timed_out=1,
    late=0,
    world_size=2,
    loss=0.75,
    grad_norm=5.0,
    ranks=[
        RankFigures(rank=0, steps=10, loss=0.5, grad_norm=3.0, seconds=0.25, own_seconds=0.125, loading_share=0.0625),
        RankFigures(
            rank=1,
            steps=8,
            loss=1.0,
            grad_norm=4.0,
            seconds=0.25,
            own_seconds=0.1875,
            loading_share=0.5,
            alerts=["rank_straggler"],
        ),
    ],
)

_STREAM: list[tuple[Scope, Payload]] = [
    (
        RUN,
        RunStarted(
            git_commit="abc",
            base_seed=7,
            rng_digests={},
            versions={"python": "3.11", "torch": "2.13"},
            hardware={},
            hyperparameters={},
            task_type="classification",
            n_envs=4,
            n_episodes=50,
            max_epochs=45,
            host_architecture="cnn",
            host_params=1250,
            slot_config={"early": 8},
        ),
    ),
    (
        ENV,
        EpisodeStarted(
            policy="ppo",
            torch_seed=1,
            data_seed=2,
            task_type="classification",
            max_epochs=45,
            host_architecture="cnn",
            host_params=1250,
            slot_config={"early": 8},
            hyperparameters={},
        ),
    ),
    (
        ENV,
        ProbesConfigured(
            profile="diagnostic",
            config={"gradients": {"enabled": True}},
            history_length=20,
            vanishing_threshold=1e-7,
            exploding_threshold=1e3,
            layers=["host.head"],
            slots=["early", "late"],
            classes=["0", "1", "2"],
            features={"base": ["epoch", "val_loss"], "gradients": ["grad_norm_head"]},
        ),
    ),
    (
        ENV,
        HostBaselineMeasured(
            initial_loss=2.3,
            initial_accuracy=10.0,
            final_loss=0.4,
            final_accuracy=91.0,
            epochs=45,
            host_params=1250,
        ),
    ),
    (TWIN, HostBaselineEpoch(val_accuracy=60.0)),
    (ENV, SeedGerminated(**_SEED, params=16)),
    (ENV, StageChanged(slot="early", from_stage="DORMANT", to_stage="GERMINATED", epochs_in_stage=3, alpha=0.0)),
    (
        ENV,
        GateEvaluated(**_SEED, gate="G1", target_stage="TRAINING", passed=False, checks=_CHECKS, reason="min_epochs"),
    ),
    (ENV, GateEvaluated(**_SEED, gate="G1", target_stage="TRAINING", passed=True, checks=_CHECKS[1:], reason="")),
    (
        ENV,
        BatchCompleted(
            batch=0,
            loss=0.75,
            accuracy=75.0,
            host_grad_norm=1.5,
            seed_grad_norms={"early": 0.5},
            isolation_leakage=0.125,
        ),
    ),
    (
        ENV,
        BatchCompleted(
            batch=1,
            loss=0.5,
            accuracy=81.25,
            host_grad_norm=1.25,
            seed_grad_norms={"early": 0.25},
            isolation_leakage=0.0,
        ),
    ),
    (
        ENV,
        EpochCompleted(
            train_loss=0.625,
            train_accuracy=78.0,
            val_loss=0.55,
            val_accuracy=80.0,
            n_val=360,
            host_params=1250,
            total_seed_params=40,
            total_params=1290,
            fossilized_params=24,
            host_grad_norm=1.375,
            seed_grad_norms={"early": 0.375},
            isolation_leakage=0.125,
            isolation_forward_leakage=0.25,
            seed_non_finite={"early": 3},
            slots=[
                SlotSnapshot(
                    slot="early",
                    stage="TRAINING",
                    epochs_in_stage=2,
                    seed="s1",
                    blueprint="norm",
                    seed_params=16,
                    alpha=0.5,
                    counterfactual_contribution=-1.0,
                    total_improvement=2.5,
                    improvement_this_epoch=0.5,
                ),
                SlotSnapshot(slot="late", stage="DORMANT", epochs_in_stage=7, seed_params=0),
            ],
        ),
    ),
    (
        ENV,
        GradientsMeasured(
            batch=22, layers=_GRADIENTS, host_norm=2.5, slot_norms={"early": 0.625}, seed_to_host={"early": 0.25}
        ),
    ),
    (
        ENV,
        WeightsMeasured(
            layers={
                **{name: LayerWeights(norm=norm) for name, norm in zip(_SMALL, (2.0, 3.0, 6.0), strict=True)},
                "host.head": LayerWeights(norm=20.0, update_ratio=0.0625, group=group(update_ratio=(0.03125, 0.09375))),
                **{f"host.{n}": LayerWeights(norm=10.0) for n in range(15)},
            }
        ),
    ),
    (
        ENV,
        ClassesMeasured(
            classes={
                "0": ClassFigures(n=4, accuracy=75.0, loss=0.5),
                "1": ClassFigures(n=2, accuracy=50.0, loss=1.5),
                "2": ClassFigures(n=0),
            },
            confusion=[[3, 1, 0], [1, 1, 0], [0, 0, 0]],
        ),
    ),
    (ENV, ActivationsMeasured(samples=360, layers=_ACTIVATIONS)),
    (
        ENV,
        SharpnessMeasured(sharpness=0.25, sharpness_se=0.0625, spread=0.125, sam=1.5, loss=0.5, samples=16, scale=0.01),
    ),
    (
        ENV,
        MemoryMeasured(resident=1000, resident_peak=2000, allocated=300, allocated_peak=400, reserved=500),
    ),
    (
        ENV,
        EpochAssessed(
            narrative="Loss is NaN | Gradients not finite in host.head",
            red_flags=["non_finite", "class_imbalance"],
            learning="improving",
            opportunities=["slot_available"],
            health=0.75,
            complaints={"non_finite": ["host.head"], "dead": ["host.relu0", "host.relu1"]},
            plateau_epochs=4,
        ),
    ),
    (ENV, FeaturesComputed(values=[7.0, math.nan, None], missing=1)),
    (
        ENV,
        DecisionMade(
            observation=[0.0],
            action=Action(op="GERMINATE", slot="early", blueprint="norm"),
            executed=False,
            refused_by="G0",
            heuristic=Action(op="GERMINATE", slot="early", blueprint="attention"),
            masked=False,
            heads={"op": head(forced=False, relevant=True), "slot": head(forced=True, relevant=True)},
            value=1.5,
            reward=-0.5,
            reward_components={"accuracy": 0.5, "rent": -1.0},
            accuracy_delta=-2.0,
        ),
    ),
    (
        ENV,
        DecisionMade(
            observation=[0.0],
            action=_WAIT,
            executed=True,
            heuristic=_WAIT,
            masked=True,
            heads={"op": head(forced=True, relevant=True), "slot": head(forced=True, relevant=False)},
            value=1.25,
            reward=0.75,
            reward_components={"accuracy": 1.0, "rent": -0.25},
            accuracy_delta=1.0,
        ),
    ),
    (ENV, SeedFossilized(**_SEED, improvement=2.5, params_added=16, epochs_total=12)),
    (ENV, SeedGerminated(slot="late", seed="s2", blueprint="attention", params=300)),
    (
        ENV,
        SeedCulled(
            slot="late",
            seed="s2",
            blueprint="attention",
            improvement=-1.0,
            reason="it hurt",
            initiator="gate",
            epochs_total=4,
        ),
    ),
    (ENV, SeedCulled(slot="mid", reason="tidied up", initiator="operator", epochs_total=4)),
    (
        ENV,
        BlueprintSummarized(
            group="ppo",
            blueprint="norm",
            germinated=9,
            fossilized=4,
            culled=5,
            cut_off=3,
            never_mixed=1,
            late_germinated=4,
            late_fossilized=2,
            fossilization_rate=100.0,
            acc_delta_mean=2.5,
            acc_delta_std=0.5,
            churn_mean=-1.5,
            churn_std=0.25,
            lifespan_mean=12.0,
            net_gain_mean=-1.25,
            net_gain_low=-3.5,
            net_gain_high=1.0,
            net_gain_n=8,
            net_gain_envs=3,
            ablation_mean=6.0,
            ablation_low=2.0,
            ablation_high=10.0,
            ablation_n=7,
            ablation_envs=3,
            cull_drop_mean=0.75,
            cull_drop_low=0.25,
            cull_drop_high=1.25,
            cull_drop_n=2,
            cull_drop_envs=2,
        ),
    ),
    (
        ENV,
        ScoreboardUpdated(
            group="ppo",
            env=0,
            germinated=2,
            fossilized=1,
            culled=2,
            orphans=1,
            params_added=16,
            fossilized_by_blueprint={"norm": 1},
            host_params=1250,
            live_blueprints={"mid": "norm"},
            growth_ratio=1.0128,
            compute_cost=1.02,
            flops_ratio=1.05,
        ),
    ),
    (
        ENV,
        CounterfactualMeasured(
            slots=["early", "mid"],
            n_val=360,
            results=[
                CounterfactualResult(config=[False, False], alpha_settings={}, val_loss=0.9, val_accuracy=70.0),
                CounterfactualResult(config=[True, False], alpha_settings={}, val_loss=0.7, val_accuracy=75.0),
                CounterfactualResult(config=[True, True], alpha_settings={}, val_loss=0.5, val_accuracy=80.0),
            ],
        ),
    ),
    (
        ENV,
        SeedsAttributed(
            n_val=360,
            evaluations=3,
            duplicates=0,
            unmeasured=1,
            ablation_delta=10.0,
            seeds=[
                SeedAttribution(
                    slot="early",
                    shapley=4.0,
                    shapley_low=1.0,
                    shapley_high=7.0,
                    loss_shapley=0.2,
                    marginal=3.0,
                    ablation=5.0,
                    exact=True,
                ),
                SeedAttribution(slot="mid", exact=False),
            ],
            interactions=[SeedInteraction(first="early", second="mid", interaction=-2.0, low=-3.0, high=-1.0)],
        ),
    ),
    (ENV, PhaseTimed(durations={"train": 0.02, "validate": 40_000.0})),
    (ENV, PhaseTimed(durations={"train": 0.03})),
    (
        ENV,
        EpisodeEnded(
            outcome="completed",
            final_accuracy=92.0,
            final_loss=0.3,
            final_growth_ratio=1.5,
            kept_accuracy=88.0,
            kept_loss=0.45,
            total_reward=-3.5,
            epochs=45,
            growth_ratio=1.0128,
            germinated=2,
            fossilized=1,
            culled=2,
        ),
    ),
    (
        ENV,
        BestRunsRanked(
            runs=[best(0, 1, 92.0, 1.25, True), best(1, 2, 91.0, 1.0, True), best(0, 3, 90.0, 1.5, False)], finished=3
        ),
    ),
    (
        ENV,
        EpisodeCompared(
            group="ppo",
            env=0,
            episode=2,
            epochs=45,
            final_accuracy=92.0,
            final_growth_ratio=1.5,
            kept_accuracy=88.0,
            kept_growth_ratio=1.0128,
            peak_accuracy=94.0,
            twin_final_accuracy=91.0,
            twin_peak_accuracy=93.0,
            twin_epochs=45,
        ),
    ),
    (
        ENV,
        VerdictReached(
            group="ppo",
            envs=4,
            episodes=20,
            compared=18,
            unended=1,
            final_accuracy_mean=93.0,
            kept_accuracy_mean=88.5,
            twin_accuracy_mean=91.5,
            kept_training_delta_mean=-3.0,
            kept_training_delta_low=-5.5,
            kept_training_delta_high=-0.5,
            final_training_delta_mean=1.5,
            final_training_delta_low=-0.5,
            final_training_delta_high=3.5,
            peak_training_delta_mean=0.5,
            peak_training_delta_low=-1.0,
            peak_training_delta_high=2.0,
            growth_ratio_mean=1.25,
            efficiency_ratio_mean=0.775,
            final_growth_ratio_mean=1.75,
            final_efficiency_ratio_mean=0.58,
            efficiency_episodes=17,
            efficiency_wins=2,
            accuracy_wins=5,
            accuracy_ties=1,
            shown="worse",
        ),
    ),
    (ENV, HostAloneTrained(width=1.25, host_params=1930, epochs=45, final_loss=0.25, final_accuracy=95.0)),
    (ENV, HostAloneTrained(width=2.0, host_params=4662, epochs=45, final_loss=0.125, final_accuracy=98.0)),
    (ENV, replace(ANALYTICS, env=0, decisions=99)),
    (ENV, ANALYTICS),
    (ENV, DecisionsScored(epochs=[1, 2], advantages=[1.0, 5.0], returns=[2.0, 4.0])),
    (
        GROUP,
        PolicyUpdated(
            update=0,
            decisions=45,
            policy_loss=-0.0625,
            value_loss=0.5,
            entropy=1.75,
            approx_kl=0.0078125,
            clip_fraction=0.25,
            explained_variance=-0.5,
            ratio_max=1.5,
            heads={"op": HeadEntropy(entropy=20.0, log_valid=32.0, decisions=30, mean_policy_entropy=0.875)},
            value_mean=1.0,
            value_std=0.5,
            return_mean=1.5,
            return_std=2.0,
            grad_norm=0.75,
            learning_rate=0.0003,
            early_stopped=True,
        ),
    ),
    (ENV, TrendChanged(group="ppo", env=0, trend="plateau", epochs=0, change=0.25, mean=91.0, window=5)),
    (
        ENV,
        AlertRaised(alert="non_finite", severity="critical", subject="loss", clause="not_finite", what="loss is nan"),
    ),
    (
        ENV,
        AlertRaised(alert="non_finite", severity="critical", subject="host", clause="not_finite", what="host is nan"),
    ),
    (GROUP, AlertRaised(alert="kl_spike", severity="warning", clause="limit", what="approx_kl 0.2 over 0.1")),
    (
        RUN,
        AlertResolved(
            alert="non_finite",
            severity="critical",
            subject="loss",
            group="ppo",
            env=0,
            observations=9,
            clause="run_ended",
        ),
    ),
    (RUN, EventsDropped(place="hub", dropped={"batch_completed": 6})),
    (ENV, ScalarsLogged(values={"lr": 3e-4, "grad_scale": 1024.0}, step=7)),
    (ENV, ThroughputMeasured(steps=10, seconds=4.0, samples=640, loading=1.0)),
    (ENV, COMPARED),
    (RUN, OverheadGoverned(overhead=0.09, target=0.03, one_in=4, before=1)),
    (RUN, Heartbeat(uptime=30.0, pipeline=_PIPELINE, machine=_MACHINE, cost=_COST)),
    (RUN, RunEnded(outcome="completed", duration=31.0)),
]


@pytest.fixture
def stream() -> list[Event[Payload]]:
    """Every kind that has metrics, at one event a second from 1,000 seconds on."""
    return [Event(seq, 1000.0 + seq, scope, payload) for seq, (scope, payload) in enumerate(_STREAM)]


@pytest.fixture
def epoch(stream: list[Event[Payload]]) -> EpochCompleted:
    """An epoch to take apart with `dataclasses.replace`."""
    return next(event.payload for event in stream if isinstance(event.payload, EpochCompleted))


@pytest.fixture
def shown() -> Callable[[Collector], dict[Series, float]]:
    """What a collector shows: the value of each series, by name and labels."""

    def values(collector: Collector) -> dict[Series, float]:
        samples = [sample for family in collector.collect() for sample in family.samples]
        found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
        assert len(found) == len(samples), "a series appears twice"
        return found

    return values
