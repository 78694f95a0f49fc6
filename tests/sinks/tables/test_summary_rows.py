"""The tables of networks: assessments, features by name, and a few layers of each."""

import math
from typing import Any

import pytest

from nissa.events.kinds import (
    ActivationsMeasured,
    BlueprintSummarized,
    EpisodeCompared,
    EpochAssessed,
    FeaturesComputed,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    Payload,
    ProbesConfigured,
    RankFigures,
    RanksCompared,
    SeedAttribution,
    SeedInteraction,
    SeedsAttributed,
    VerdictReached,
    WeightsMeasured,
)
from nissa.sinks.tables.summary_rows import LIMIT, Tables
from tests.samples import event

AT: dict[str, Any] = {"run": "r", "group": "ppo", "env": 1, "episode": 2, "epoch": 3}


def told(*payloads: Payload, **where: Any) -> Tables:
    tables = Tables()
    for payload in payloads:
        tables(event(payload, **AT | where))
    return tables


def configured(**features: list[str]) -> ProbesConfigured:
    return ProbesConfigured(
        profile="standard",
        config={},
        history_length=10,
        vanishing_threshold=1e-7,
        exploding_threshold=1e3,
        layers=[],
        slots=[],
        classes=[],
        features=features,
    )


def assessed(**more: Any) -> EpochAssessed:
    nothing: dict[str, Any] = {"narrative": "", "red_flags": [], "opportunities": [], "complaints": {}}
    return EpochAssessed(**{**nothing, "learning": "starting", "plateau_epochs": 0, **more})


def gradients(**elements: int) -> GradientsMeasured:
    rows = {
        name: LayerGradients(elements=n, norm=float(n), mean=0.0, percentiles={}, vanishing=0.25, non_finite=0)
        for name, n in elements.items()
    }
    return GradientsMeasured(batch=0, layers=rows, slot_norms={}, seed_to_host={})


def test_the_last_assessment_of_each_environment_stands_with_its_place() -> None:
    tables = told(assessed(health=1.0), assessed(health=0.0, red_flags=["diverging"], narrative="Loss is NaN"))
    assert tables.snapshot()["assessments"] == [
        {
            **AT,
            "narrative": "Loss is NaN",
            "red_flags": ["diverging"],
            "opportunities": [],
            "learning": "starting",
            "health": 0.0,
            "complaints": {},
            "plateau_epochs": 0,
        }
    ]


def test_features_stand_under_their_names_missing_as_none_and_broken_as_nan() -> None:
    values = FeaturesComputed(values=[3.0, math.nan, None], missing=1)
    (row,) = told(configured(base=["epoch", "val_loss"], gradients=["norm"]), values).snapshot()["features"]
    assert row == {
        **AT,
        "missing": 1,
        "features": {"base": {"epoch": 3.0, "val_loss": "NaN"}, "gradients": {"norm": None}},
    }


@pytest.mark.parametrize("before", [[], [configured(base=["epoch"])]])
def test_features_that_nobody_named_bear_numbers(before: list[Payload]) -> None:
    (row,) = told(*before, FeaturesComputed(values=[1.0, 2.0], missing=0)).snapshot()["features"]
    assert row["features"] == {"unnamed": {"0": 1.0, "1": 2.0}}


def test_a_layer_has_what_was_last_measured_of_it_and_none_for_the_rest() -> None:
    weights = WeightsMeasured(layers={"conv": LayerWeights(norm=8.0, update_ratio=0.5)})
    relu = LayerActivations(
        units=4, mean=0.0, std=1.0, zero=0.5, dead=1, dormant=0.75, effective_rank=2.5, non_finite=0
    )
    measured = ActivationsMeasured(samples=9, layers={"relu": relu})
    complaint = assessed(complaints={"dead": ["relu"]})
    relu_row, conv_row = told(gradients(conv=4), weights, measured, complaint).snapshot()["layers"]
    nothing = dict.fromkeys(("grad_norm", "vanishing", "weight_norm", "update_ratio", "dormant", "effective_rank"))
    place = {"run": "r", "group": "ppo", "env": 1}
    assert relu_row == {
        **(place | nothing),
        "layer": "relu",
        "complaint": "dead",
        "elements": None,
        "dormant": 0.75,
        "effective_rank": 2.5,
    }
    assert conv_row == {
        **(place | nothing),
        "layer": "conv",
        "complaint": None,
        "elements": 4,
        "grad_norm": 4.0,
        "vanishing": 0.25,
        "weight_norm": 8.0,
        "update_ratio": 0.5,
    }


def test_at_most_sixteen_layers_are_listed_those_with_the_worst_complaints_first_then_the_largest() -> None:
    complaints = {"non_finite": ["l3"], "vanishing": ["l2", "l3"]}
    rows = told(gradients(**{f"l{n}": n for n in range(20)}), assessed(complaints=complaints)).snapshot()["layers"]
    assert [row["layer"] for row in rows] == ["l3", "l2", *(f"l{n}" for n in range(19, 5, -1))]
    assert [row["complaint"] for row in rows[:3]] == ["non_finite", "vanishing", None]


def test_the_worst_layer_is_listed_first_however_small_and_among_equals_the_order_is_the_networks() -> None:
    complaints = {"non_finite": ["tail"], "vanishing": [f"l{n}" for n in range(20)]}
    rows = told(gradients(**{f"l{n}": 9 for n in range(20)}, tail=1), assessed(complaints=complaints)).snapshot()
    assert [row["layer"] for row in rows["layers"]] == ["tail", *(f"l{n}" for n in range(15))]
    assert rows["layers"][0]["complaint"] == "non_finite"


def test_what_was_not_measured_in_the_epoch_that_was_assessed_last_is_missing_not_stale() -> None:
    tables = Tables()
    weights = WeightsMeasured(layers={"fc": LayerWeights(norm=8.0)})
    for seq, payload in enumerate([gradients(fc=1), weights, assessed(), gradients(fc=1)]):
        tables(event(payload, seq=seq, **AT))
    assert [row["weight_norm"] for row in tables.snapshot()["layers"]] == [8.0]
    tables(event(assessed(), seq=4, **AT))
    assert [(row["grad_norm"], row["weight_norm"]) for row in tables.snapshot()["layers"]] == [(1.0, None)]
    tables(event(assessed(), seq=5, **AT))
    assert tables.snapshot()["layers"] == []


def test_the_layers_of_an_episode_before_are_gone() -> None:
    tables = told(gradients(old=1), WeightsMeasured(layers={"old": LayerWeights(norm=1.0)}))
    tables(event(gradients(new=1), **AT | {"episode": 3}))
    assert [row["layer"] for row in tables.snapshot()["layers"]] == ["new"]


def blueprint(name: str, gain: float | None, group: str = "ppo") -> BlueprintSummarized:
    counts = ("germinated", "fossilized", "culled", "cut_off", "never_mixed", "late_germinated", "late_fossilized")
    rests = [f"{of}_{n}" for of in ("net_gain", "ablation", "cull_drop") for n in ("n", "envs")]
    none: dict[str, Any] = dict.fromkeys((*counts, *rests), 0)
    return BlueprintSummarized(group=group, blueprint=name, net_gain_mean=gain, **none)


def test_blueprints_stand_by_their_net_gain_and_those_without_one_last_each_group_apart() -> None:
    gains = {"a": None, "b": -1.0, "c": 2.0, "d": math.nan, "e": 0.0}
    tables = told(*(blueprint(name, gain) for name, gain in gains.items()), blueprint("z", 9.0, group="zeta"))
    found = [(row["group"], row["blueprint"]) for row in tables.snapshot()["blueprints"]]
    assert found == [*(("ppo", name) for name in "cebad"), ("zeta", "z")]


EPISODE = (
    *("group", "env", "episode", "final_accuracy", "final_growth_ratio", "kept_accuracy", "kept_growth_ratio"),
    *("twin_final_accuracy", "twin_peak_accuracy"),
)
VERDICT = (
    *("group", "envs", "episodes", "unended", "final_accuracy_mean", "kept_accuracy_mean", "twin_accuracy_mean"),
    *(
        "kept_training_delta_mean",
        "kept_training_delta_low",
        "kept_training_delta_high",
        "final_training_delta_mean",
        "growth_ratio_mean",
    ),
    *("efficiency_ratio_mean", "final_growth_ratio_mean", "final_efficiency_ratio_mean", "shown"),
)
BLUEPRINT = (
    *("net_gain_mean", "net_gain_low", "net_gain_high", "net_gain_n", "ablation_mean", "ablation_n"),
    *("cull_drop_mean", "cull_drop_n", "cut_off", "acc_delta_mean", "churn_mean"),
)


def test_rows_of_episodes_verdicts_and_blueprints_have_the_names_that_others_read_them_by() -> None:
    compared = [
        EpisodeCompared(group="ppo", env=1, episode=episode, epochs=9, final_accuracy=50.0, kept_accuracy=kept)
        for episode, kept in ((10, None), (2, None), (2, 40.0))
    ]
    wins = ("efficiency_episodes", "efficiency_wins", "accuracy_wins", "accuracy_ties")
    nothing: dict[str, Any] = dict.fromkeys(("envs", "episodes", "compared", "unended", *wins), 0)
    verdicts = [VerdictReached(group="ppo", shown=shown, **nothing) for shown in ("better", "not shown")]
    found = told(*compared, *verdicts, blueprint("norm", None)).snapshot()
    assert [(row["episode"], row["kept_accuracy"]) for row in found["episodes"]] == [(2, 40.0), (10, None)]
    assert [row["shown"] for row in found["verdicts"]] == ["not shown"]
    for table, names in (("episodes", EPISODE), ("verdicts", VERDICT), ("blueprints", BLUEPRINT)):
        assert all({"run", *names} <= row.keys() for row in found[table])


def test_environments_beyond_the_limit_push_out_those_heard_of_longest_ago() -> None:
    tables = Tables()
    for env in range(LIMIT + 2):
        tables(event(gradients(fc=1), **AT | {"env": env}))
        tables(event(assessed(), **AT | {"env": env}))
    found = tables.snapshot()
    assert [row["env"] for row in found["layers"]] == [row["env"] for row in found["assessments"]]
    assert [row["env"] for row in found["layers"]] == list(range(2, LIMIT + 2))


def test_each_measurement_has_a_row_for_each_seed_and_each_pair_with_its_place() -> None:
    one = SeedAttribution(slot="early", seed="s1", blueprint="norm", shapley=1.5, shapley_se=0.5, exact=True)
    other = SeedAttribution(slot="late", shapley=math.nan, ablation=-1.0, exact=False)
    pair = SeedInteraction(first="early", second="late", interaction=-0.5, low=-1.0, high=0.0)
    told_of = SeedsAttributed(evaluations=4, duplicates=0, seeds=[one, other], interactions=[pair])
    tables = told(told_of, epoch=4)
    for epoch in (3, 4):
        tables(event(told_of, **AT | {"epoch": epoch}))
    rows = tables.snapshot()
    assert [(row["epoch"], row["slot"]) for row in rows["attribution"]] == [
        *((3, "early"), (3, "late"), (4, "early"), (4, "late"))
    ]
    nothing = dict.fromkeys(("shapley_se", "shapley_low", "shapley_high", "loss_shapley", "marginal", "ablation"))
    early = {"slot": "early", "seed": "s1", "blueprint": "norm", "shapley": 1.5, "exact": True}
    late = {"slot": "late", "seed": None, "blueprint": None, "shapley": "NaN", "ablation": -1.0, "exact": False}
    assert rows["attribution"][:2] == [AT | nothing | early | {"shapley_se": 0.5}, AT | nothing | late]
    value = {"first": "early", "second": "late", "value": -0.5, "low": -1.0, "high": 0.0}
    assert rows["interactions"] == [AT | value, AT | value | {"epoch": 4}]


def test_each_rank_of_a_job_has_a_row_of_the_last_comparison() -> None:
    tables = Tables()
    compared: dict[str, Any] = {"steps": 10, "incomplete": 0, "timed_out": 0, "late": 0, "world_size": 2}
    for batch in (9, 19):
        ranks = [RankFigures(rank=rank, steps=10, loss=batch + rank / 2) for rank in (0, 1)]
        tables(event(RanksCompared(env=0, batch=batch, ranks=ranks, **compared)))
    rows = tables.snapshot()["ranks"]
    assert [(row["env"], row["batch"], row["rank"], row["loss"]) for row in rows] == [
        (0, 19, 0, 19.0),
        (0, 19, 1, 19.5),
    ]
