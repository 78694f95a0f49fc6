"""The vector of features: its names and places, and its values against a plain loop over the story."""

import math
import re
import typing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kinds import (
    KINDS,
    ActivationsMeasured,
    ClassesMeasured,
    ClassFigures,
    EpochCompleted,
    FeaturesComputed,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    ProbesConfigured,
    SharpnessMeasured,
    SlotSnapshot,
    WeightsMeasured,
)
from nissa.events.units import Measure
from nissa.operators.assessment.epoch_assessment import assess_epochs
from nissa.operators.features.catalog import TABLE, Feature
from nissa.operators.features.feature_vector import feature_vectors
from nissa.operators.features.names import CONFUSED, feature_names, feature_schema, short
from nissa.pipeline.config import feature_names_of
from nissa.pipeline.config.profiles import load
from tests.operators.test_contract import derived
from tests.samples import episode_started, epoch_completed, event, payloads

LAYERS, SLOTS, CLASSES = ("host.conv1", "host.fc"), ("early", "late"), ("cat", "dog")
ALL = feature_names_of(load("research"), LAYERS, SLOTS, CLASSES)


def configured(groups: dict[str, list[str]] = ALL, layers: Any = LAYERS) -> ProbesConfigured:
    return ProbesConfigured(
        profile="research",
        config={},
        history_length=10,
        vanishing_threshold=1e-7,
        exploding_threshold=1e3,
        layers=list(layers),
        slots=list(SLOTS),
        classes=list(CLASSES),
        features=groups,
    )


def layer_gradients(scale: float = 1.0, non_finite: int = 0) -> LayerGradients:
    return LayerGradients(
        elements=10,
        norm=3.0 * scale,
        mean=0.0,
        std=2.0 * scale,
        percentiles={"p1": -scale, "p50": 0.0},
        zero=0.0,
        vanishing=0.25,
        exploding=0.5,
        non_finite=non_finite,
    )


def layer_activations(dead: int | None = None, dormant: float | None = None) -> LayerActivations:
    return LayerActivations(
        units=8, mean=0.5, std=1.5, zero=0.125, dead=dead, dormant=dormant, effective_rank=4.5, non_finite=2
    )


GRADIENTS = GradientsMeasured(
    batch=3,
    layers={
        "host.conv1": layer_gradients(),
        "host.fc": layer_gradients(10.0, 1),
        "early.conv": layer_gradients(7.0, 5),
    },
    host_norm=30.1,
    slot_norms={"early": 21.0},
    seed_to_host={"early": 0.7},
)
WEIGHTS = WeightsMeasured(layers={"host.fc": LayerWeights(norm=4.0, update_ratio=0.01)})
ACTIVATIONS = ActivationsMeasured(
    samples=64,
    layers={
        "host.conv1": layer_activations(),
        "host.relu1": layer_activations(3, 0.5),
        "early.relu": layer_activations(1, 0.25),
    },
)
FIGURES = {"cat": ClassFigures(n=10, accuracy=90.0, loss=0.1), "dog": ClassFigures(n=20, accuracy=75.0, loss=0.4)}
MEASURED = (
    GRADIENTS,
    WEIGHTS,
    ACTIVATIONS,
    ClassesMeasured(classes=FIGURES, confusion=[[9, 1], [5, 15]]),
    SharpnessMeasured(sharpness=0.02, sam=0.3, loss=1.0, samples=10, scale=0.01),
)


def told(*payloads: Any, episode: int = 0, **where: Any) -> list[Any]:
    """A story in which only epochs take time."""
    epochs = [sum(isinstance(p, EpochCompleted) for p in payloads[:n]) + 1 for n in range(len(payloads))]
    return [event(p, seq=n, episode=episode, epoch=epochs[n], **where) for n, p in enumerate(payloads)]


def vectors(story: list[Any], groups: dict[str, list[str]] = ALL) -> list[dict[str, float | None]]:
    names = [name for group in groups.values() for name in group]
    found = [row for row in derived(feature_vectors(), story) if isinstance(row, FeaturesComputed)]
    assert all(row.missing == row.values.count(None) for row in found)
    return [dict(zip(names, row.values, strict=True)) for row in found]


def test_figures_stand_under_the_names_of_their_layer_slot_and_class() -> None:
    (found,) = vectors(told(configured(), *MEASURED, epoch_completed(80.0)))
    assert {name: value for name, value in found.items() if name not in ALL["base"] and value is not None} == {
        "grad_norm_conv1": 3.0,
        "grad_norm_fc": 30.0,
        "grad_std_conv1": 2.0,
        "grad_std_fc": 20.0,
        "grad_vanishing_conv1": 0.25,
        "grad_vanishing_fc": 0.25,
        "grad_exploding_conv1": 0.5,
        "grad_exploding_fc": 0.5,
        "grad_p1_conv1": -1.0,
        "grad_p1_fc": -10.0,
        "grad_p50_conv1": 0.0,
        "grad_p50_fc": 0.0,
        "host_grad_norm": 30.1,
        "grad_non_finite": 6.0,
        "seed_grad_norm_early": 21.0,
        "seed_to_host_early": 0.7,
        "acc_class_cat": 90.0,
        "acc_class_dog": 75.0,
        "loss_class_cat": 0.1,
        "loss_class_dog": 0.4,
        "confusion_cat_as_dog": 1.0,
        "confusion_dog_as_cat": 5.0,
        "sharpness": 0.02,
        "sam": 0.3,
        "weight_norm_fc": 4.0,
        "update_ratio_fc": 0.01,
        "act_mean_conv1": 0.5,
        "act_std_conv1": 1.5,
        "act_zero_conv1": 0.125,
        "effective_rank_conv1": 4.5,
        "dead_units": 4.0,
        "dormant_units": 0.5,
        "act_non_finite": 6.0,
    }


def slot(stage: str, alpha: float = 0.0, contribution: float | None = None) -> SlotSnapshot:
    return SlotSnapshot(
        slot=stage, stage=stage, epochs_in_stage=1, alpha=alpha, counterfactual_contribution=contribution
    )


def test_the_base_by_hand() -> None:
    first = replace(epoch_completed(70.0, 100), val_loss=1.5, train_loss=1.25, train_accuracy=72.0)
    slots = [slot("DORMANT"), slot("BLENDING", 0.5, -1.0), slot("FOSSILIZED", 1.0, 2.5)]
    second = replace(epoch_completed(70.25, 300), val_loss=1.0, fossilized_params=50, slots=slots)
    found = vectors(told(first, second), {"base": ALL["base"]})
    assert found[0]["loss_delta"] is found[0]["mean_alpha"] is found[0]["best_ablation"] is None
    known = {name: value for name, value in found[1].items() if value is not None}
    assert known == {
        "epoch": 2.0,
        "train_loss": 1.0,
        "val_loss": 1.0,
        "loss_delta": -0.5,
        "train_accuracy": 50.0,
        "val_accuracy": 70.25,
        "accuracy_delta": 0.25,
        "plateau_epochs": 1.0,
        "best_val_accuracy": 70.25,
        "best_val_loss": 1.0,
        "generalization_gap": -20.25,
        "loss_history_1": 1.0,
        "loss_history_2": 1.5,
        "accuracy_history_1": 70.25,
        "accuracy_history_2": 70.0,
        "total_params": 1300.0,
        "growth_ratio": 1.05,
        "live_seeds": 1.0,
        "free_slots": 1.0,
        "mean_alpha": 0.75,
        "best_ablation": 2.5,
    }


def test_a_slot_whose_seed_is_gone_is_free() -> None:
    gone = [slot(stage) for stage in ("DORMANT", "CULLED", "EMBARGOED", "RESETTING")]
    told_of = replace(epoch_completed(70.0), slots=[*gone, slot("TRAINING", 0.5)])
    (found,) = vectors(told(told_of), {"base": ALL["base"]})
    assert (found["live_seeds"], found["free_slots"], found["mean_alpha"]) == (1.0, 4.0, 0.5)


def test_epochs_back_are_epochs_and_not_tellings() -> None:
    losses = {10: 3.0, 20: 2.0, 21: 1.5, 23: 1.0}
    story = [event(replace(epoch_completed(50.0), val_loss=loss), episode=0, epoch=n) for n, loss in losses.items()]
    found = vectors(story, {"base": ALL["base"]})
    history = [[row[f"loss_history_{n}"] for n in range(1, 6)] for row in found]
    assert history[1:] == [[2.0, *[None] * 4], [1.5, 2.0, *[None] * 3], [1.0, None, 1.5, 2.0, None]]
    assert [row["loss_delta"] for row in found] == [None, None, -0.5, None]
    assert [row["plateau_epochs"] for row in found] == [0, 10, 11, 13]


def test_slots_that_are_not_told_are_not_none_of_them() -> None:
    (found,) = vectors(told(epoch_completed(50.0)), {"base": ALL["base"]})
    assert found["live_seeds"] is found["free_slots"] is None


NUMBERS: Any = st.sampled_from([None, 0.0, 0.25, 0.5, 1.0, 50.0, 50.4, 60.0, math.nan, math.inf, -math.inf])


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), NUMBERS, NUMBERS), max_size=25))
def test_histories_equal_a_plain_loop_over_the_epochs_of_the_episode(rows: list[Any]) -> None:
    story: list[Any] = []
    for env, episode, loss, accuracy in sorted(rows, key=lambda row: row[1]):
        epoch = 1 + sum(e.scope.env == env and e.scope.episode == episode for e in story)
        payload = replace(epoch_completed(accuracy), val_loss=loss)
        story.append(event(payload, env=env, episode=episode, epoch=epoch))
    for n, found in enumerate(vectors(story, {"base": ALL["base"]})):
        past = [e.payload for e in story[: n + 1] if e.scope[:4] == story[n].scope[:4]]
        expected = by_hand([p.val_loss for p in past], "loss", min)
        expected |= by_hand([p.val_accuracy for p in past], "accuracy", max)
        assert repr({name: found[name] for name in expected}) == repr(expected)


def by_hand(values: list[Any], kind: str, best: Any) -> dict[str, float | None]:
    measured = [value for value in values if value is not None]
    finite = [value for value in measured if math.isfinite(value)]
    last = {n: values[-n] if n <= len(values) else None for n in range(1, 6)}
    return {
        f"val_{kind}": values[-1],
        f"{kind}_delta": None if None in (*values[-2:], *[None] * (len(values) < 2)) else values[-1] - values[-2],
        f"best_val_{kind}": best(finite) if finite else math.nan if measured else None,
        **{f"{kind}_history_{n}": value for n, value in last.items()},
    }


@settings(max_examples=100)
@given(st.lists(NUMBERS, min_size=1, max_size=15))
def test_a_plateau_is_as_long_as_the_narrative_says(accuracies: list[float]) -> None:
    story = told(*map(epoch_completed, accuracies))
    said = [row.plateau_epochs for row in derived(assess_epochs(), story)]  # type: ignore[attr-defined]
    assert [found["plateau_epochs"] for found in vectors(story, {"base": ALL["base"]})] == said


OCCASIONS: dict[Any, Any] = {"epoch": epoch_completed(80.0), "episode": episode_started()}


@settings(max_examples=200)
@given(st.lists(st.sampled_from((*MEASURED, *OCCASIONS)), max_size=30))
def test_what_was_measured_in_an_earlier_epoch_is_missing(turns: list[Any]) -> None:
    story, episode, epoch = [event(configured(), episode=0, epoch=0)], 0, 1
    for turn in turns:
        episode, epoch = (episode + 1, 0) if turn == "episode" else (episode, epoch)
        story.append(event(OCCASIONS[turn] if isinstance(turn, str) else turn, episode=episode, epoch=epoch))
        epoch += turn == "epoch"
    groups = {GradientsMeasured: "host_grad_norm", WeightsMeasured: "weight_norm_fc", ActivationsMeasured: "dead_units"}
    groups |= {ClassesMeasured: "acc_class_cat", SharpnessMeasured: "sharpness"}
    found, fresh = iter(vectors(story)), set[type]()
    for turn in turns:
        if turn == "epoch":
            vector = next(found)
            assert {kind for kind, name in groups.items() if vector[name] is not None} == fresh
        fresh = set() if turn in ("epoch", "episode") else fresh | {type(turn)}


def test_an_episode_that_starts_again_has_no_past() -> None:
    story = told(configured(), epoch_completed(80.0), GRADIENTS, episode_started(), epoch_completed(70.0))
    found = vectors(story)[-1]
    assert (found["accuracy_delta"], found["best_val_accuracy"], found["host_grad_norm"]) == (None, 70.0, None)


def test_the_last_of_several_measurements_counts() -> None:
    later = replace(GRADIENTS, host_norm=99.0, slot_norms={}, batch=9)
    (found,) = vectors(told(configured(), GRADIENTS, later, epoch_completed(80.0)))
    assert (found["host_grad_norm"], found["seed_grad_norm_early"]) == (99.0, None)


def test_broken_stays_broken_and_missing_stays_missing() -> None:
    broken = replace(
        GRADIENTS, host_norm=math.nan, layers={"host.fc": replace(layer_gradients(), norm=math.inf, std=None)}
    )
    nan = replace(
        ACTIVATIONS, layers={"host.a": layer_activations(1, 0.5), "host.b": layer_activations(None, math.nan)}
    )
    (found,) = vectors(told(configured(), broken, nan, replace(epoch_completed(math.nan), val_loss=math.nan)))
    for name in ("host_grad_norm", "dormant_units", "val_loss", "best_val_loss", "generalization_gap"):
        assert math.isnan(found[name] or 0.0), name
    assert (found["grad_norm_fc"], found["grad_std_fc"], found["grad_norm_conv1"]) == (math.inf, None, None)


def test_what_was_broken_at_any_step_of_an_epoch_is_not_mended_by_the_next() -> None:
    ill = {"host.fc": replace(layer_gradients(non_finite=3), norm=math.nan), "early.conv": layer_gradients(1.0, 2)}
    broken = replace(GRADIENTS, host_norm=math.inf, layers=ill)
    mended = replace(GRADIENTS, layers={"host.conv1": layer_gradients()})
    first, second = vectors(
        told(configured(), broken, broken, mended, epoch_completed(80.0), mended, epoch_completed(80.0))
    )
    assert math.isnan(first["grad_norm_fc"] or 0.0)
    assert (first["host_grad_norm"], first["grad_non_finite"]) == (math.inf, 10.0)
    assert (first["grad_norm_conv1"], first["grad_std_fc"]) == (3.0, None)
    assert (second["host_grad_norm"], second["grad_norm_fc"], second["grad_non_finite"]) == (30.1, None, 0.0)


def test_what_was_broken_in_another_episode_is_another_networks() -> None:
    broken = replace(GRADIENTS, host_norm=math.nan)
    told_of = [configured(), broken, GRADIENTS, episode_started(), GRADIENTS, epoch_completed(80.0)]
    (found,) = vectors(told(*told_of))
    assert found["host_grad_norm"] == 30.1


def test_a_measurement_of_nothing_says_nothing() -> None:
    nothing = GradientsMeasured(batch=0, layers={}, slot_norms={}, seed_to_host={})
    (found,) = vectors(told(configured(), nothing, ClassesMeasured(classes={}), epoch_completed(80.0)))
    assert [name for name, value in found.items() if value is not None and name not in ALL["base"]] == []


def test_before_any_configuration_there_is_the_base() -> None:
    (row,) = derived(feature_vectors(), told(GRADIENTS, epoch_completed(80.0)))
    assert isinstance(row, FeaturesComputed)
    assert len(row.values) == len(ALL["base"]) == 27


def test_a_seed_is_not_taken_for_a_layer_of_the_host_with_the_same_end() -> None:
    layers = ("host.early.conv",)
    groups = feature_names({"gradients": {"enabled": True, "track_norm": True}}, layers)
    own = replace(GRADIENTS, layers={"host.early.conv": layer_gradients(), "early.conv": layer_gradients(9.0)})
    (found,) = vectors(told(configured(groups, layers), own, epoch_completed(80.0)), groups)
    assert found["grad_norm_early.conv"] == 3.0


PROMISED = [("minimal", 27, 27), ("standard", 45, 45), ("diagnostic", 75, 95), ("research", 150, 250)]


@pytest.mark.parametrize(("profile", "low", "high"), PROMISED)
def test_each_profile_has_as_many_features_as_it_promises(profile: str, low: int, high: int) -> None:
    layers = [f"host.{name}" for name in ("conv1", "conv2", "conv3", "fc")]
    names = feature_names_of(load(profile), layers, ["early", "mid", "late"], [str(n) for n in range(10)])
    assert low <= sum(map(len, names.values())) <= high


def test_a_switch_in_the_configuration_takes_away_its_features_and_no_others() -> None:
    less = load(
        "research", overrides=["gradients.track_std=false", "gradients.percentiles=[50]", "per_class.enabled=false"]
    )
    names = feature_names_of(less, LAYERS, SLOTS, CLASSES)
    gone = {name for group in ALL.values() for name in group} - {name for group in names.values() for name in group}
    assert gone == {name for name in ALL["gradients"] if re.match(r"grad_(std|p(1|5|25|75|95|99))_", name)} | {
        *ALL["per_class"]
    }


def test_the_schema_gives_the_place_of_each_name() -> None:
    schema = feature_schema(ALL)
    names = [name for group in ALL.values() for name in group]
    assert [names[place] for name, place in schema["_index"].items()] == names
    assert list(schema) == [*ALL, "_index"]
    assert schema["_index"]["epoch"] == 0
    valued = {group: dict.fromkeys(names, 0.5) for group, names in ALL.items()}
    assert feature_schema(valued) == schema


PATHS = st.lists(st.sampled_from(("host", "early", "conv")), max_size=4).map(lambda parts: ".".join(("host", *parts)))


@given(st.lists(PATHS, unique=True, max_size=12))
def test_layers_that_differ_have_names_that_differ(layers: list[str]) -> None:
    assert len({short(layer) for layer in layers}) == len(layers)


def test_two_classes_with_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two features would be called 'acc_class_cat'"):
        feature_names({"per_class": {"enabled": True, "track_accuracy": True}}, classes=["cat", "cat"])


def test_pairs_of_many_classes_are_left_out() -> None:
    config = {"per_class": {"enabled": True, "track_confusion": True}}
    many = [str(n) for n in range(CONFUSED + 1)]
    assert len(feature_names(config, classes=many[:-1])["per_class"]) == CONFUSED * (CONFUSED - 1)
    assert "per_class" not in feature_names(config, classes=many)


def hinted(kind: Any, path: list[str]) -> Any:
    """The type at the end of a path, through dictionaries, lists and what may be None."""
    for step in path:
        inner = typing.get_args(kind)[-1:] if step[0] in "{*" else None
        kind = inner[0] if inner else typing.get_type_hints(kind, include_extras=True)[step]
        kind = next((h for h in typing.get_args(kind) if type(None) in typing.get_args(kind)), kind)
    return kind


@pytest.mark.parametrize("row", [row for rows in TABLE.values() for row in rows], ids=lambda row: row.name)
def test_source_and_unit_of_the_table_are_those_of_the_event(row: Feature) -> None:
    source, *path = row.source.split(".")
    if source != "scope":
        base, *metadata = typing.get_args(hinted(KINDS[source], path)) or (list,)
        unit = "count" if base is int else next((m.unit for m in metadata if isinstance(m, Measure)), None)
        assert row.unit == unit or (row in TABLE["base", None] and row.name != path[-1])


@settings(max_examples=100)
@given(payloads(ProbesConfigured), st.sampled_from(MEASURED))
def test_names_that_nobody_knows_are_missing(strange: ProbesConfigured, measured: Any) -> None:
    names = [name for group in strange.features.values() for name in group]
    (row,) = derived(feature_vectors(), told(strange, measured, epoch_completed(80.0)))
    assert isinstance(row, FeaturesComputed)
    assert row.values == [None] * len(names) or set(names) & {name for group in ALL.values() for name in group}
