"""Stories of networks: each flag rises in one and stays down in its twin, and nothing broken is ever called good."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kinds import (
    ActivationsMeasured,
    ClassesMeasured,
    ClassFigures,
    EpochAssessed,
    EpochCompleted,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    Payload,
    ProbesConfigured,
    SharpnessMeasured,
    SlotSnapshot,
    WeightsMeasured,
)
from nissa.events.vocabulary import FLAGS, OPPORTUNITIES
from nissa.operators.assessment.epoch_assessment import assess_epochs
from nissa.operators.assessment.red_flags import OFFERS, RED_FLAGS
from tests.operators.test_contract import derived
from tests.samples import episode_started, epoch_completed, event, payloads

BROKEN = (math.nan, math.inf, -math.inf)


def epoch(val_accuracy: float = 50.0, **more: Any) -> EpochCompleted:
    return replace(epoch_completed(val_accuracy), **{"isolation_leakage": 0.0, **more})


def gradients(**complaints: str | None) -> GradientsMeasured:
    """Layers that have what is complained of."""
    ill: dict[str | None, Any] = {
        None: {},
        "non_finite": {"non_finite": 1},
        "exploding": {"norm": 1e5},
        "vanishing": {"norm": 1e-8},
        "dead": {"norm": 0.0},
    }
    flat: dict[str, Any] = {"elements": 4, "norm": 1.0, "mean": 0.0, "percentiles": {"p50": 0.0}, "non_finite": 0}
    layers = {name: LayerGradients(**flat | ill[wrong]) for name, wrong in complaints.items()}
    return GradientsMeasured(
        batch=0, layers=layers, host_norm=1.0, slot_norms={"early": 1.0}, seed_to_host={"early": 1.0}
    )


def activations(dormant: float = 0.0, **more: Any) -> ActivationsMeasured:
    row = LayerActivations(
        **{"units": 8, "mean": 1.0, "std": 1.0, "zero": 0.0, "dead": 0, "dormant": dormant, "non_finite": 0, **more}
    )
    return ActivationsMeasured(samples=4, layers={"host.relu1": row})


def classes(worst: float, best: float = 91.0, n: int = 1000) -> ClassesMeasured:
    rows = {"3": worst, "5": (worst + best) / 2, "7": best}
    return ClassesMeasured(classes={name: ClassFigures(n=n, accuracy=value, loss=1.0) for name, value in rows.items()})


def whole_gradients(**more: Any) -> GradientsMeasured:
    return replace(gradients(a=None), **more)


def one_layer(**more: Any) -> GradientsMeasured:
    row = gradients(a=None)
    return replace(row, layers={"a": replace(row.layers["a"], **more)})


def weights(**more: Any) -> WeightsMeasured:
    return WeightsMeasured(layers={"a": LayerWeights(**{"norm": 1.0, **more})})


def one_class(**more: Any) -> ClassesMeasured:
    return ClassesMeasured(classes={"3": replace(ClassFigures(n=9, accuracy=50.0, loss=1.0), **more)})


def sharpness(rise: float = 0.0, loss: float = 1.0, **more: Any) -> SharpnessMeasured:
    values = {"sharpness": rise, "spread": 0.0, "sam": 0.1, "loss": loss, "samples": 8, "scale": 0.01, **more}
    return SharpnessMeasured(**values)


def configured(history_length: int = 10, vanishing_threshold: float = 1e-7) -> ProbesConfigured:
    return ProbesConfigured(
        profile="standard",
        config={},
        history_length=history_length,
        vanishing_threshold=vanishing_threshold,
        exploding_threshold=1e3,
        layers=[],
        slots=[],
        classes=[],
        features={},
    )


def assessed(*payloads: Payload, episode: int = 0) -> list[EpochAssessed]:
    """The assessments of one environment."""
    told = [event(payload, seq=n, group="ppo", env=0, episode=episode) for n, payload in enumerate(payloads)]
    return [row for row in derived(assess_epochs(), told) if isinstance(row, EpochAssessed)]


def last(*payloads: Payload) -> EpochAssessed:
    return assessed(*payloads)[-1]


def course(losses: Sequence[float], **more: Any) -> list[Payload]:
    """Epochs with these validation losses."""
    return [epoch(val_loss=loss, **more) for loss in losses]


def plateau(epochs: int, accuracy: float = 50.0, **more: Any) -> list[Payload]:
    """An epoch, and as many more without half a point of improvement."""
    return [epoch(accuracy, **more), *[epoch(accuracy + 0.49, **more)] * epochs]


def slot(stage: str) -> SlotSnapshot:
    return SlotSnapshot(slot="early", stage=stage, epochs_in_stage=1)


FLAG_STORIES: list[tuple[str, list[Payload], list[Payload]]] = [
    ("non_finite", [epoch(train_loss=math.nan)], [epoch(train_loss=1e300)]),
    ("non_finite", [gradients(a="non_finite"), epoch()], [gradients(a="exploding"), epoch()]),
    ("exploding_gradients", [gradients(a="exploding"), epoch()], [gradients(a=None), epoch()]),
    ("vanishing_gradients", [gradients(a="vanishing"), epoch()], [gradients(a=None), epoch()]),
    ("dead_gradients", [gradients(a="dead"), epoch()] * 2, [gradients(a="dead"), epoch()]),
    (
        "dead_gradients",
        [gradients(a="dead"), epoch()] * 2,
        [gradients(a="dead"), epoch(), gradients(b="dead"), epoch()],
    ),
    ("dead_gradients", [gradients(a="dead"), epoch()] * 2, [gradients(a="dead"), epoch(), epoch()]),
    ("dead_units", [activations(0.51), epoch()], [activations(0.5), epoch()]),
    ("diverging", [epoch(train_loss=0.5), epoch(train_loss=1.01)], [epoch(train_loss=0.5), epoch(train_loss=1.0)]),
    ("diverging", [epoch(train_loss=0.01), epoch(train_loss=0.12)], [epoch(train_loss=0.01), epoch(train_loss=0.1)]),
    ("accuracy_collapse", [epoch(80.0, n_val=1000), epoch(59.9, n_val=1000)], [epoch(80.0, n_val=1000), epoch(60.0)]),
    # Of 50 samples, three standard errors are 30 points.
    ("accuracy_collapse", [epoch(80.0), epoch(49.9, n_val=50)], [epoch(80.0), epoch(50.1, n_val=50)]),
    ("isolation_leak", [epoch(isolation_leakage=1.1e-6)], [epoch(isolation_leakage=1e-6)]),
    ("isolation_leak", [epoch(isolation_leakage=math.nan)], [epoch(isolation_leakage=None)]),
    ("sustained_plateau", plateau(4), plateau(3)),
    ("sustained_plateau", [configured(20), *plateau(8)], [configured(20), *plateau(7)]),
    ("sustained_plateau", [configured(5), *plateau(3)], [configured(5), *plateau(2)]),
    ("sustained_plateau", plateau(4, 99.5), plateau(4, 99.6)),
    ("sharp_minimum", [sharpness(0.101), epoch()], [sharpness(0.1), epoch()]),
    ("sharp_minimum", [sharpness(0.051, loss=0.1), epoch()], [sharpness(0.05, loss=0.1), epoch()]),
    ("class_imbalance", [classes(60.9), epoch()], [classes(61.1), epoch()]),
    # Of 18 samples, three standard errors are 50 points.
    ("class_imbalance", [classes(40.9, n=18), epoch()], [classes(41.1, n=18), epoch()]),
]
_BEFORE = epoch(70.0, val_loss=1.0, train_accuracy=75.0)
FLAG_STORIES += [
    ("overfitting", [_BEFORE, replace(_BEFORE, val_loss=1.06, train_accuracy=80.1)], [_BEFORE, after])
    for after in (
        replace(_BEFORE, val_loss=1.05, train_accuracy=80.1),
        replace(_BEFORE, val_loss=1.06, train_accuracy=80.0),
        replace(_BEFORE, val_loss=1.06, train_accuracy=75.0, val_accuracy=60.0),
    )
]


@pytest.mark.parametrize(("flag", "story", "twin"), FLAG_STORIES)
def test_a_flag_rises_where_it_should_and_stays_down_just_below(
    flag: str, story: list[Payload], twin: list[Payload]
) -> None:
    assert flag in last(*story).red_flags
    assert flag not in last(*twin).red_flags


def test_every_flag_and_every_opportunity_has_a_story() -> None:
    assert {flag for flag, _, _ in FLAG_STORIES} == set(RED_FLAGS)
    assert {name for name, _, _ in OFFER_STORIES} == set(OFFERS)


def test_what_can_be_raised_is_what_the_vocabulary_says_in_its_order() -> None:
    assert tuple(RED_FLAGS) == FLAGS
    assert tuple(OFFERS) == OPPORTUNITIES


_FITTED = {"train_accuracy": 95.0, "val_loss": 1.0}
OFFER_STORIES: list[tuple[str, list[Payload], list[Payload]]] = [
    ("slot_available", [epoch(slots=[slot("FOSSILIZED"), slot("DORMANT")])], [epoch(slots=[slot("EMBARGOED")])]),
    ("healthy_gradients", [gradients(a=None), epoch()], [epoch()]),
    ("healthy_gradients", [gradients(a=None), epoch()], [gradients(a=None, b="vanishing"), epoch()]),
    ("healthy_gradients", [gradients(a=None), epoch()], [gradients(), epoch()]),
    ("healthy_gradients", [gradients(a=None), epoch()], [gradients(a=None), epoch(val_loss=math.nan)]),
    ("underfitting", plateau(4), plateau(3)),
    ("underfitting", plateau(4, train_accuracy=55.4), plateau(4, train_accuracy=55.5)),
    ("underfitting", plateau(4, 92.0, train_accuracy=94.9), plateau(4, 92.0, train_accuracy=95.0)),
]


@pytest.mark.parametrize(("name", "story", "twin"), OFFER_STORIES)
def test_an_opportunity_is_seen_where_it_is_and_only_there(
    name: str, story: list[Payload], twin: list[Payload]
) -> None:
    assert name in last(*story).opportunities
    assert name not in last(*twin).opportunities


@pytest.mark.parametrize(
    ("story", "line"),
    [
        (
            [*course([0.542, 0.46]), gradients(a=None), classes(42.0), epoch(val_loss=0.398)],
            "Loss improving (0.542 -> 0.398) | Gradient health good | Class imbalance: 3=42% vs 7=91%",
        ),
        (
            [*course([0.5] * 4), gradients(a=None), epoch(val_loss=0.5)],
            "Loss plateaued for 4 epochs | Gradient health good",
        ),
        (course([0.5]), "Loss 0.5"),
        (course([0.5, 0.499]), "Loss plateaued for 1 epoch"),
        (course([0.9, 0.5, 0.5]), "Loss improving (0.9 -> 0.5)"),
        (course([0.9, 0.5, 0.5, 0.5, 0.5]), "Loss plateaued for 3 epochs"),
        # Half a percent an epoch is an improvement every other epoch.
        (course([0.995**n for n in range(8)]), "Loss improving (1 -> 0.966)"),
        (course([0.9, 0.5, 0.53]), "Loss worsening (0.5 -> 0.53)"),
        (course([0.9, 0.5, 0.52]), "Loss improving (0.9 -> 0.52)"),
        (course([0.5, math.nan]), "Loss is NaN | Not finite: val_loss"),
        (course([0.5, math.inf]), "Loss is infinite | Not finite: val_loss"),
        (course([math.nan, 0.5]), "Loss improving (nan -> 0.5)"),
        ([gradients(a="vanishing", b=None, c="vanishing"), epoch()], "Loss 1 | Gradients vanishing in a (+1)"),
        (
            [gradients(a="dead", b="exploding", c="non_finite"), epoch()],
            "Loss 1 | Gradients not finite in c | Gradients exploding in b | No gradient in a",
        ),
        ([activations(0.75), epoch()], "Loss 1 | Dead units in host.relu1"),
        ([activations(non_finite=1), epoch()], "Loss 1 | Activations not finite in host.relu1"),
        ([weights(norm=math.nan), epoch()], "Loss 1 | Weights not finite in a"),
        ([epoch(50.0, train_accuracy=62.34)], "Loss 1 | Train/validation gap 12.3 points"),
        ([epoch(50.0, train_accuracy=60.0)], "Loss 1"),
        ([gradients(**{"two\nlines": "dead"}), epoch()], "Loss 1 | No gradient in two lines"),
    ],
)
def test_a_person_would_say_it_so(story: list[Payload], line: str) -> None:
    assert last(*story).narrative == line


def test_flags_come_the_worst_first() -> None:
    flags = last(epoch(90.0), gradients(a="vanishing", b="non_finite"), classes(10.0), epoch(10.0)).red_flags
    assert flags == ["non_finite", "accuracy_collapse", "vanishing_gradients", "class_imbalance"]


def test_plateau_epochs_count_from_the_last_half_point_over_the_best() -> None:
    accuracies = [50.0, 50.4, 50.5, 50.9, 49.0, math.nan, 51.0, 60.0, math.inf, 60.5]
    assert [row.plateau_epochs for row in assessed(*map(epoch, accuracies))] == [0, 1, 0, 1, 2, 3, 0, 0, 1, 0]


def test_the_history_goes_back_as_far_as_it_is_configured() -> None:
    story = [epoch(train_loss=0.1), *[epoch(train_loss=0.9)] * 5, epoch(train_loss=0.95)]
    assert "diverging" in last(*story).red_flags
    assert "diverging" in last(configured(7), *story).red_flags
    assert "diverging" not in last(configured(6), *story).red_flags


def test_what_was_measured_in_an_earlier_epoch_is_unknown_and_not_healthy() -> None:
    story = [gradients(a=None, b="dead"), activations(0.9), classes(1.0), sharpness(9.0), epoch(), epoch()]
    first, second = assessed(*story)
    assert (first.health, second.health) == (1 / 3, None)
    assert (second.red_flags, second.opportunities, second.complaints) == ([], [], {})
    assert second.narrative == "Loss plateaued for 1 epoch"


def test_what_nobody_measured_the_size_of_is_not_called_healthy() -> None:
    bare = {"norm": None, "std": None}
    row = last(one_layer(**bare), epoch())
    assert (row.health, row.opportunities, row.narrative) == (None, [], "Loss 1")
    assert last(one_layer(**bare, non_finite=1), epoch()).health == 0.0


def test_a_class_whose_accuracy_is_broken_is_no_imbalance() -> None:
    rows = classes(10.0)
    broken = replace(rows, classes={**rows.classes, "0": ClassFigures(n=9, accuracy=math.nan)})
    row = last(broken, epoch())
    assert row.red_flags == ["non_finite"]
    assert row.narrative == "Loss 1 | Not finite: classes"
    assert last(rows, epoch()).red_flags == ["class_imbalance"]


@pytest.mark.parametrize("wrong", ["non_finite", "exploding"])
def test_a_step_that_broke_is_not_hidden_by_the_next(wrong: str) -> None:
    row = last(gradients(a=wrong, b="vanishing", gone=wrong), gradients(a="vanishing", b=None), epoch())
    assert row.complaints == {wrong: ["a", "gone"]}


def test_a_new_episode_is_a_new_network_also_where_episodes_bear_no_number() -> None:
    told = [event(row, env=0) for row in (*plateau(2), episode_started(), epoch())]
    assert [row.plateau_epochs for row in derived(assess_epochs(), told)] == [0, 1, 2, 0]  # type: ignore[attr-defined]


def test_thresholds_come_from_the_stream() -> None:
    assert last(configured(vanishing_threshold=1.0), gradients(a=None), epoch()).complaints == {"vanishing": ["a"]}


def test_a_layer_is_counted_once_whatever_was_measured_of_it() -> None:
    both = replace(gradients(a=None, b=None), layers={"host.relu1": gradients(a=None).layers["a"]})
    assert last(both, activations(0.9), epoch()).health == 0.0
    assert last(gradients(a=None), activations(0.9), epoch()).health == 0.5


def test_a_new_episode_is_a_new_network_under_the_same_configuration() -> None:
    told = [
        *[event(row, group="ppo", env=0, episode=0) for row in (configured(5), *plateau(3), gradients(a="dead"))],
        event(episode_started(), group="ppo", env=0, episode=1),
        *[event(row, group="ppo", env=0, episode=1) for row in plateau(3)],
        # Its start was not seen.
        event(epoch(10.0), group="ppo", env=0, episode=2),
    ]
    rows: list[Any] = derived(assess_epochs(), told)
    assert [row.plateau_epochs for row in rows] == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    assert rows[4].complaints == {}
    assert "sustained_plateau" in rows[7].red_flags


def breaking(make: Callable[..., Payload], name: str, number: Any) -> list[Payload]:
    """An epoch in which one number is this one, and gradients without a complaint were measured last."""
    row = make(**{name: number})
    return [row] if isinstance(row, EpochCompleted) else [row, gradients(a=None), epoch()]


MAKERS: dict[Callable[..., Payload], tuple[str, ...]] = {
    epoch: (
        *("train_loss", "train_accuracy", "val_loss", "val_accuracy", "host_grad_norm", "isolation_leakage"),
        *("seed_grad_norms", "slots"),
    ),
    whole_gradients: ("host_norm", "slot_norms", "seed_to_host"),
    one_layer: ("norm", "mean", "std", "zero", "vanishing", "exploding", "percentiles"),
    activations: ("mean", "std", "zero", "dormant", "effective_rank"),
    weights: ("norm", "update_ratio"),
    sharpness: ("rise", "spread", "sam", "loss", "scale"),
    one_class: ("accuracy", "loss"),
}
NESTED: dict[str, Callable[[float], Any]] = {
    "seed_grad_norms": lambda x: {"early": x},
    "slot_norms": lambda x: {"early": x},
    "seed_to_host": lambda x: {"early": x},
    "percentiles": lambda x: {"p1": x},
    "slots": lambda x: [replace(slot("TRAINING"), counterfactual_contribution=x)],
}
NUMBERS = [pytest.param(make, name, id=f"{make.__name__}.{name}") for make, names in MAKERS.items() for name in names]


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(("make", "name"), NUMBERS)
def test_a_number_that_is_broken_is_the_worst_news_wherever_it_stands(
    make: Callable[..., Payload], name: str, broken: float
) -> None:
    row = last(*breaking(make, name, NESTED[name](broken) if name in NESTED else broken))
    assert row.health == 0.0
    assert row.red_flags[0] == "non_finite"
    assert "good" not in row.narrative
    assert "not finite" in row.narrative.lower()
    assert "healthy_gradients" not in row.opportunities


KINDS = assess_epochs().kinds


@settings(max_examples=300)
@given(st.lists(st.sampled_from(KINDS).flatmap(payloads), max_size=12), payloads(EpochCompleted))
def test_whatever_is_measured_there_is_an_assessment_in_range(told: list[Any], epoch: EpochCompleted) -> None:
    rows = assessed(*told, epoch)
    assert len(rows) == 1 + sum(isinstance(payload, EpochCompleted) for payload in told)
    for row in rows:
        assert row.health is None or 0.0 <= row.health <= 1.0
        assert set(row.red_flags) <= set(RED_FLAGS)
        assert set(row.opportunities) <= set(OFFERS)
        assert "\n" not in row.narrative
        assert row.plateau_epochs >= 0
        assert (row.health == 0.0 and "good" not in row.narrative.split(" | ")) or "non_finite" not in row.red_flags


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_plateaus_equal_a_plain_loop(accuracies: list[float]) -> None:
    expected, best, since = [], accuracies[0], 0
    for place, accuracy in enumerate(accuracies):
        since += 1
        if place == 0 or accuracy >= best + 0.5:
            best, since = accuracy, 0
        expected.append(since)
    assert [row.plateau_epochs for row in assessed(*map(epoch, accuracies))] == expected
