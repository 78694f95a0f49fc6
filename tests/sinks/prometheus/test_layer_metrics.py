"""Which layers are shown: the broken ones and the largest, the same from one measurement to the next."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.registry import Collector

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    ActivationsMeasured,
    ClassesMeasured,
    ClassFigures,
    EpisodeStarted,
    EpochAssessed,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    MemoryMeasured,
    Payload,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.events.vocabulary import COMPLAINTS
from nissa.sinks.layer_ranking import MAX_LAYERS, rank_layers
from nissa.sinks.prometheus.collector import PrometheusSink
from tests.samples import episode_started, epoch_completed

Series = tuple[str, frozenset[tuple[str, str]]]
Shown = Callable[[Collector], dict[Series, float]]
AT = Scope("r", "ppo", 0, 0, 1)


def told(*payloads: Payload) -> PrometheusSink:
    sink = PrometheusSink()
    for seq, payload in enumerate(payloads):
        sink(Event(seq, float(seq), AT, payload))
    return sink


def by_layer(found: Mapping[Series, float], metric: str) -> dict[str, float]:
    return {dict(labels)["layer"]: value for (name, labels), value in found.items() if name == metric}


def plain(found: Mapping[Series, float], metric: str) -> float | None:
    return next((value for (name, _), value in found.items() if name == metric), None)


def gradients(**layers: LayerGradients) -> GradientsMeasured:
    return GradientsMeasured(batch=0, layers=layers, slot_norms={}, seed_to_host={})


def layer(elements: int, norm: float | None = 1.0, **more: Any) -> LayerGradients:
    return LayerGradients(
        **{"elements": elements, "norm": norm, "mean": 0.0, "percentiles": {}, "non_finite": 0, **more}
    )


MANY = {f"l{n}": layer(n) for n in range(20)}


def test_the_largest_layers_are_shown_however_their_norms_change(shown: Shown) -> None:
    for norms in (range(20), range(20, 0, -1)):
        found = shown(told(gradients(**{f"l{n}": layer(n, float(norm)) for n, norm in enumerate(norms)})))
        assert by_layer(found, "nissa_layer_grad_norm").keys() == {f"l{n}" for n in range(4, 20)}
        assert plain(found, "nissa_other_layers") == 4


@pytest.mark.parametrize(
    "ill", [{"norm": math.nan}, {"mean": math.inf}, {"non_finite": 1}, {"norm": None, "std": math.nan}]
)
def test_a_broken_layer_is_shown_however_small(ill: dict[str, Any], shown: Shown) -> None:
    found = shown(told(gradients(**{**MANY, "l1": layer(1, **ill)})))
    assert by_layer(found, "nissa_layer_grad_non_finite").keys() == {"l1", *(f"l{n}" for n in range(5, 20))}


def test_a_layer_that_is_no_longer_shown_leaves_no_series(shown: Shown) -> None:
    found = shown(told(gradients(**MANY), gradients(seed=layer(5))))
    assert by_layer(found, "nissa_layer_grad_norm") == {"seed": 1.0}
    assert {dict(labels).get("layer", "seed") for _, labels in found} == {"seed"}


def test_norms_that_were_not_asked_for_are_absent_and_zero_layers_have_none(shown: Shown) -> None:
    without = shown(told(gradients(**{name: layer(row.elements, None) for name, row in MANY.items()})))
    assert plain(without, "nissa_other_layers_grad_norm") is None
    assert by_layer(without, "nissa_layer_grad_norm") == {}
    assert plain(shown(told(gradients(only=layer(1)))), "nissa_other_layers_grad_norm") == 0


def test_weights_of_about_one_size_do_not_take_turns(shown: Shown) -> None:
    sets = []
    for tilt in (1e-3, -1e-3):
        rows = {f"w{n}": LayerWeights(norm=10 + n * tilt) for n in range(20)}
        sets.append(by_layer(shown(told(WeightsMeasured(layers=rows))), "nissa_layer_weight_norm").keys())
    assert sets == [{f"w{n}" for n in range(16)}] * 2


@pytest.mark.parametrize("row", [LayerWeights(norm=math.nan), LayerWeights(norm=0.0, update_ratio=math.inf)])
def test_broken_weights_are_shown_however_small(row: LayerWeights, shown: Shown) -> None:
    rows = {f"w{n}": LayerWeights(norm=10.0) for n in range(20)} | {"ill": row, "zero": LayerWeights(norm=0.0)}
    found = by_layer(shown(told(WeightsMeasured(layers=rows))), "nissa_layer_weight_norm")
    assert "ill" in found
    assert "zero" not in found
    assert len(found) == MAX_LAYERS


@given(st.dictionaries(st.text(max_size=3), st.tuples(st.booleans(), st.integers(0, 5)), max_size=40))
def test_no_layer_is_lost_and_none_that_is_left_out_should_have_been_shown(layers: dict[str, tuple[bool, int]]) -> None:
    shown, rest = rank_layers(layers, lambda row: row[0], lambda row: row[1])
    assert shown | rest == layers
    assert len(shown) == min(len(layers), MAX_LAYERS)
    assert all(one >= other for one in shown.values() for other in rest.values() if one[0] is other[0] is False)
    assert all(row[0] for row in shown.values()) or not any(row[0] for row in rest.values())


def test_what_has_no_dead_units_to_count_does_not_count_zero(shown: Shown) -> None:
    conv = LayerActivations(units=4, mean=0.0, std=1.0, zero=0.0, non_finite=0)
    assert plain(shown(told(ActivationsMeasured(samples=8, layers={"conv": conv}))), "nissa_dead_units") is None


def test_a_class_that_is_broken_is_the_worst_one_and_does_not_hide_the_best(shown: Shown) -> None:
    for accuracies in ([math.nan, 50.0, 75.0], [50.0, 75.0, math.nan]):
        rows = {str(n): ClassFigures(n=1, accuracy=accuracy) for n, accuracy in enumerate(accuracies)}
        found = shown(told(ClassesMeasured(classes=rows)))
        assert math.isnan(plain(found, "nissa_class_accuracy_min_ratio") or 0.0)
        assert plain(found, "nissa_class_accuracy_max_ratio") == 0.75


def test_memory_is_the_process_own_whichever_environment_measured_it(shown: Shown) -> None:
    sink = PrometheusSink()
    for seq, env in enumerate((0, 1, 0)):
        payload = MemoryMeasured(resident=seq, resident_peak=9)
        sink(Event(seq, 0.0, Scope("r", "ppo", env, 0, 1), payload))
    found = shown(sink)
    assert {key: found[key] for key in found if "memory_resident_bytes" in key[0] and "nissa" in key[0]} == {
        ("nissa_memory_resident_bytes", frozenset({("run", "r")})): 2
    }


def assessed(**more: Any) -> EpochAssessed:
    return EpochAssessed(
        **{
            "narrative": "",
            "red_flags": [],
            "opportunities": [],
            "complaints": {},
            "learning": "plateau",
            "plateau_epochs": 0,
            **more,
        }
    )


def flags(found: Mapping[Series, float]) -> dict[str, float]:
    return {dict(labels)["flag"]: value for (name, labels), value in found.items() if name == "nissa_red_flag"}


def test_a_flag_falls_to_zero_so_that_its_alert_resolves(shown: Shown) -> None:
    assert flags(shown(told(assessed(red_flags=["diverging"]), assessed())))["diverging"] == 0


def test_a_flag_that_only_a_newer_writer_knows_is_shown(shown: Shown) -> None:
    assert flags(shown(told(assessed(red_flags=["haunted"]))))["haunted"] == 1


def test_health_that_was_not_measured_is_absent_not_zero(shown: Shown) -> None:
    assert plain(shown(told(assessed())), "nissa_health_ratio") is None
    assert plain(shown(told(assessed(health=0.0))), "nissa_health_ratio") == 0


def test_a_new_episode_is_not_blamed_for_the_one_before(stream: list[Event[Payload]], shown: Shown) -> None:
    start = next(event.payload for event in stream if isinstance(event.payload, EpisodeStarted))
    found = shown(told(assessed(red_flags=["diverging"], health=0.0), gradients(**MANY), start))
    assert flags(found) == {}
    assert plain(found, "nissa_health_ratio") is None
    assert by_layer(found, "nissa_layer_grad_norm") == {}


def measured(found: Mapping[Series, float]) -> dict[str, float]:
    return {dict(labels)["kind"]: value for (name, labels), value in found.items() if name == "nissa_measured_epoch"}


def test_what_is_measured_now_and_then_stays_with_its_epoch_until_the_next_episode(shown: Shown) -> None:
    sink = PrometheusSink()
    sharp = SharpnessMeasured(sharpness=0.25, loss=1.0, samples=4, scale=0.01)
    weights = WeightsMeasured(layers={"fc": LayerWeights(norm=8.0)})
    rows = [(4, weights), (4, sharp), (4, epoch_completed(50.0)), (5, gradients(fc=layer(4)))]
    for seq, (epoch, payload) in enumerate([*rows, (5, epoch_completed(50.0)), (6, epoch_completed(50.0))]):
        sink(Event(seq, float(seq), AT._replace(epoch=epoch), payload))
    found = shown(sink)
    assert by_layer(found, "nissa_layer_weight_norm") == {"fc": 8.0}
    assert plain(found, "nissa_sharpness_nats") == 0.25
    assert measured(found) == {"weights_measured": 4, "sharpness_measured": 4, "gradients_measured": 5}
    sink(Event(9, 9.0, Scope("r", "ppo", 0, 1), episode_started()))
    found = shown(sink)
    assert measured(found) == by_layer(found, "nissa_layer_weight_norm") == {}
    assert plain(found, "nissa_sharpness_nats") is None


def test_layers_of_which_nothing_is_known_are_not_said_to_be_well(shown: Shown) -> None:
    for health, complaints in ((None, {}), (1.0, dict.fromkeys(COMPLAINTS, 0))):
        found = shown(told(assessed(health=health)))
        assert {
            dict(labels)["complaint"]: value
            for (name, labels), value in found.items()
            if name == "nissa_layers_with_complaint"
        } == complaints
