"""Stories of networks: each flag rises in one and stays down in its twin, and nothing broken is ever called good."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
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
from nissa.operators.overflow import LASTING
from tests.operators.test_contract import derived
from tests.samples import episode_started, epoch_completed, event, payloads

BROKEN = (math.nan, math.inf, -math.inf)
NOT_MEASURED: Any = None


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


def lasting(row: GradientsMeasured) -> list[GradientsMeasured]:
    """The same for too long to be steps that a scaler leaves out."""
    return [row, replace(row, batch=LASTING)]


def activations(dormant: float = 0.0, **more: Any) -> ActivationsMeasured:
    row = LayerActivations(
        **{"units": 8, "mean": 1.0, "std": 1.0, "zero": 0.0, "dead": 0, "dormant": dormant, "non_finite": 0, **more}
    )
    return ActivationsMeasured(samples=4, layers={"host.relu1": row})


def classes(worst: float, best: float = 91.0, n: int = 1000) -> ClassesMeasured:
    rows = {"3": worst, "5": best, "7": best}
    return ClassesMeasured(classes={name: ClassFigures(n=n, accuracy=value, loss=1.0) for name, value in rows.items()})


def uneven(worst: float, n: int) -> ClassesMeasured:
    row = classes(worst)
    return ClassesMeasured(classes={**row.classes, "3": replace(row.classes["3"], n=n)})


def one_of_three() -> ClassesMeasured:
    """What a network is right about that calls everything a 7."""
    return ClassesMeasured(classes={name: ClassFigures(n=100, accuracy=100.0 * (name == "7")) for name in "357"})


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


def descent(*last: float) -> list[float]:
    """Losses that fall from 10 to 1 without noise, so that all that was learned is from 2 to 9, and what follows."""
    return [*map(float, range(10, 0, -1)), *last]


def training(losses: Sequence[float]) -> list[Payload]:
    """Epochs with these training losses."""
    return [epoch(train_loss=loss) for loss in losses]


def plateau(epochs: int, accuracy: float = 50.0, **more: Any) -> list[Payload]:
    """An epoch, and as many more without half a point of improvement."""
    return [epoch(accuracy, **more), *[epoch(accuracy + 0.49, **more)] * epochs]


def slot(stage: str) -> SlotSnapshot:
    return SlotSnapshot(slot="early", stage=stage, epochs_in_stage=1)


FLAG_STORIES: list[tuple[str, list[Payload], list[Payload]]] = [
    ("non_finite", [epoch(train_loss=math.nan)], [epoch(train_loss=1e300)]),
    ("non_finite", [*lasting(gradients(a="non_finite")), epoch()], [gradients(a="non_finite"), epoch()]),
    ("exploding_gradients", [gradients(a="exploding"), epoch()], [gradients(a=None), epoch()]),
    ("vanishing_gradients", [gradients(a="vanishing"), epoch()], [gradients(a=None), epoch()]),
    ("dead_gradients", [gradients(a="dead"), epoch()] * 2, [gradients(a="dead"), epoch()]),
    (
        "dead_gradients",
        [gradients(a="dead"), epoch()] * 2,
        [gradients(a="dead"), epoch(), gradients(b="dead"), epoch()],
    ),
    # Measured in each other epoch, it is the same story.
    (
        "dead_gradients",
        [gradients(a="dead"), epoch(), epoch()] * 2 + [gradients(a="dead"), epoch()],
        [gradients(a="dead"), epoch(), epoch()],
    ),
    ("dead_units", [activations(0.51), epoch()], [activations(0.5), epoch()]),
    # A distance of 0.1 from the line between neighbours is a noise of 0.121, and 6 errors of a difference are 1.027.
    ("diverging", training([*[1.0, 1.1] * 5, 2.03]), training([*[1.0, 1.1] * 5, 2.02])),
    ("diverging", training(descent(4.51)), training(descent(4.49))),
    # Nobody knows yet what is usual.
    ("diverging", training([*descent(), 9.0]), training([1.0, 1.0, 1.0, 1.0, 9.0])),
    ("accuracy_collapse", [epoch(80.0, n_val=1000), epoch(59.9, n_val=1000)], [epoch(80.0, n_val=1000), epoch(60.0)]),
    # Three standard errors of the difference: 24 points of 50 samples each, and 27.1 if 20 are compared with 1,000.
    (
        "accuracy_collapse",
        [epoch(80.0, n_val=50), epoch(55.9, n_val=50)],
        [epoch(80.0, n_val=50), epoch(56.1, n_val=50)],
    ),
    (
        "accuracy_collapse",
        [epoch(80.0, n_val=1000), epoch(52.8, n_val=20)],
        [epoch(80.0, n_val=1000), epoch(53.0, n_val=20)],
    ),
    ("isolation_leak", [epoch(isolation_leakage=1.1e-6)], [epoch(isolation_leakage=1e-6)]),
    ("isolation_leak", [epoch(isolation_leakage=math.nan)], [epoch(isolation_leakage=None)]),
    ("isolation_leak", [epoch(isolation_forward_leakage=1.1e-6)], [epoch(isolation_forward_leakage=1e-6)]),
    ("sustained_plateau", plateau(5), plateau(4)),
    ("sustained_plateau", plateau(5), [*plateau(4), epoch(70.0)]),
    ("sustained_plateau", plateau(5), [epoch(val_loss=loss) for loss in descent()]),
    ("sustained_plateau", plateau(5, 99.0), plateau(5, 99.1)),
    # A tenth of what was learned, which is 1.25.
    *(
        ("sharp_minimum", [*course([2.0, 1.75, 1.5, 1.25, 1.0]), sharpness(0.126), epoch(val_loss=0.75)], twin)
        for twin in (
            [*course([2.0, 1.75, 1.5, 1.25, 1.0]), sharpness(0.124), epoch(val_loss=0.75)],
            [
                *course([2.0, 1.75, 1.5, 1.25, 1.0]),
                sharpness(),
                replace(sharpness(), sharpness=None),
                epoch(val_loss=0.75),
            ],
            [sharpness(9.0), epoch()],
        )
    ),
    ("class_imbalance", [classes(60.9), epoch()], [classes(61.1), epoch()]),
    # Of 18 samples, three standard errors are 50 points; of 18 and 1,000 they are 35.7.
    ("class_imbalance", [classes(40.9, n=18), epoch()], [classes(41.1, n=18), epoch()]),
    ("class_imbalance", [uneven(55.2, 18), epoch()], [uneven(55.4, 18), epoch()]),
    # What is not learned yet may still come; what always says the same has learned nothing.
    ("class_imbalance", [*plateau(4), classes(0.0, 65.0), epoch(50.49)], [classes(0.0, 65.0), epoch()]),
    ("class_imbalance", [*plateau(4), classes(0.0, 65.0), epoch(50.49)], [*plateau(4), one_of_three(), epoch(50.49)]),
]
_FLAT = [epoch(70.0, val_loss=loss, train_accuracy=75.0) for loss in (1.0, 1.02) * 4]
_RISING = (1.2, 1.4, 1.6)


def learned() -> list[Payload]:
    """What does better on the validation set, too, though its loss rises."""
    risen = zip((76.0, 82.0, 88.0), _RISING, strict=True)
    return [*_FLAT, *[epoch(accuracy, val_loss=loss, train_accuracy=99.0) for accuracy, loss in risen]]


def risen(losses: Sequence[float] = _RISING, **more: Any) -> list[Payload]:
    """Losses that lie still, and then rise."""
    return [
        *_FLAT,
        *[epoch(**{"val_accuracy": 70.0, "val_loss": loss, "train_accuracy": 80.1, **more}) for loss in losses],
    ]


FLAG_STORIES += [
    ("overfitting", risen(), twin)
    for twin in (
        risen((1.0, 1.02, 1.03)),
        risen(train_accuracy=80.0),
        risen(train_accuracy=75.0, val_accuracy=60.0),
        # Of 100 samples, three standard errors of one accuracy are 13.7 points.
        risen(n_val=100),
        learned(),
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
    ("underfitting", plateau(5), plateau(4)),
    ("underfitting", plateau(5, train_accuracy=55.4), plateau(5, train_accuracy=55.5)),
    ("underfitting", plateau(5, 92.0, train_accuracy=94.9), plateau(5, 92.0, train_accuracy=95.0)),
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
            [*course([0.542, 0.51, 0.47, 0.44]), gradients(a=None), classes(42.0), epoch(val_loss=0.398)],
            "Loss improving (mean of 5 epochs 0.542 -> 0.472; now 0.398) | Gradient health good | "
            "Class imbalance: 3=42% vs 5=91%",
        ),
        (
            [*course([0.5] * 5), gradients(a=None), epoch(val_loss=0.5)],
            "Plateau for 5 epochs (loss 0.5, accuracy 50.0%) | Gradient health good",
        ),
        (course([0.5]), "Loss 0.5"),
        # Nobody knows the noise of two losses.
        (course([0.5, 0.3]), "Loss 0.3"),
        (course([0.5, 0.9]), "Loss 0.9"),
        # Half a percent an epoch adds up.
        (course([0.995**n for n in range(8)]), "Loss improving (mean of 5 epochs 1 -> 0.975; now 0.966)"),
        (course([1.0, 1.02] * 4 + [1.2, 1.4]), "Loss worsening (mean of 5 epochs 1.01 -> 1.13; now 1.4)"),
        (course([1.0, 1.02] * 4 + [1.04]), "Plateau for 8 epochs (loss 1.04, accuracy 50.0%)"),
        (course(descent(2.0)), "Loss improving (mean of 5 epochs 10 -> 2.4; now 2)"),
        (course([*descent(*[1.0] * 8), 9.0]), "Loss worsening (mean of 5 epochs 1 -> 2.6; now 9)"),
        (course(descent(5.0, 1.0)), "Loss improving (mean of 5 epochs 9.5 -> 2.4; now 1)"),
        (
            [epoch(a, val_loss=1.0) for a in (50.0, 80.0)],
            "Accuracy improving (mean of 5 epochs 50.0% -> 65.0%; now 80.0%)",
        ),
        (
            [epoch(a, train_accuracy=a) for a in (50.0, 20.0)],
            "Accuracy worsening (mean of 5 epochs 50.0% -> 35.0%; now 20.0%)",
        ),
        ([epoch(a, val_loss=1.0) for a in (10.0, 50.0, 90.0, 91.0, 92.0, 48.0)], "Accuracy worsening (92.0% -> 48.0%)"),
        (
            [*plateau(5), *[epoch(50.0, train_loss=1.0, val_loss=1.0)] * 2, epoch(50.0, train_loss=7.0, val_loss=1.0)],
            "Training loss worsening (1 -> 7)",
        ),
        # One bad epoch is neither where it came from nor where it goes.
        (
            course([*[0.9, 0.8, 0.7, 0.6, 0.5, 0.4], 0.9, *[0.3, 0.2, 0.16, 0.17, 0.16]]),
            "Loss improving (mean of 5 epochs 0.62 -> 0.198; now 0.16)",
        ),
        # Measured no more, but once it was.
        (
            [*(epoch(10.0 + 9 * n, val_loss=1.0) for n in range(9)), *[epoch(NOT_MEASURED)] * 20],
            "Accuracy improving (mean of 5 epochs 64.0%)",
        ),
        (
            [configured(5), *course([*[10.0 - n + n % 2 for n in range(10)], 6.5])],
            "Loss improving (mean of 5 epochs 7.6 -> 3.7; now 6.5)",
        ),
        (course([0.5, math.nan]), "Loss is NaN | Not finite: val_loss"),
        (course([0.5, math.inf]), "Loss is infinite | Not finite: val_loss"),
        (course([math.nan, 0.5]), "Loss 0.5"),
        ([gradients(a="vanishing", b=None, c="vanishing"), epoch()], "Loss 1 | Gradients vanishing in a (+1)"),
        (
            [*lasting(gradients(a="dead", b="exploding", c="non_finite")), epoch()] * 2,
            "Loss 1 | Gradients not finite in c | Gradients exploding in b | No gradient in a",
        ),
        ([activations(0.75), epoch()], "Loss 1 | Dead units in host.relu1"),
        ([activations(non_finite=1), epoch()], "Loss 1 | Activations not finite in host.relu1"),
        ([weights(norm=math.nan), epoch()], "Loss 1 | Weights not finite in a"),
        ([epoch(50.0, train_accuracy=62.34)], "Loss 1 | Train/validation gap 12.3 points"),
        ([epoch(50.0, train_accuracy=60.0)], "Loss 1"),
        ([gradients(**{"two\nlines": "vanishing"}), epoch()], "Loss 1 | Gradients vanishing in two lines"),
    ],
)
def test_a_person_would_say_it_so(story: list[Payload], line: str) -> None:
    assert last(*story).narrative == line


@pytest.mark.parametrize(("risen", "bad"), [(1e-7, False), (0.1, True)])
def test_a_loss_that_vanished_and_comes_back_by_nothing_does_not_diverge(risen: float, bad: bool) -> None:
    losses = [2.0, 1.0, *[0.0] * 80, risen]
    row = last(*[epoch(99.9, train_loss=loss, val_loss=loss) for loss in losses])
    assert ("diverging" in row.red_flags, row.learning == "worsening") == (bad, bad)


@pytest.mark.parametrize(
    ("losses", "learning", "line"),
    [
        ([3.0], "starting", "Loss 3"),
        (descent(), "improving", "Loss improving (mean of 5 epochs 10 -> 3; now 1)"),
        (descent(*[1.0] * 9), "plateau", "Plateau for 5 epochs (loss 1)"),
        (descent(*[1.0] * 9, *[9.0] * 3), "worsening", "Loss worsening (mean of 5 epochs 1 -> 5.8; now 9)"),
        ([math.nan], "broken", "Loss is NaN | Not finite: val_loss"),
        ([None], "starting", "Neither loss nor accuracy told"),
    ],
)
def test_where_no_accuracy_is_measured_the_loss_decides_and_is_spoken_of(
    losses: list[Any], learning: str, line: str
) -> None:
    row = last(*[EpochCompleted(val_loss=loss) for loss in losses])
    assert (row.learning, row.narrative, row.plateau_epochs) == (learning, line, None)
    assert ("sustained_plateau" in row.red_flags) == (learning == "plateau")


def test_an_accuracy_or_a_training_loss_alone_is_spoken_of_too() -> None:
    assert last(EpochCompleted(val_accuracy=71.25)).narrative == "Accuracy 71.2%"
    assert last(EpochCompleted(train_loss=0.5)).narrative == "Training loss 0.5"
    story = [EpochCompleted(val_accuracy=50.0)] * 12
    assert last(*story).narrative == "Plateau for 11 epochs (accuracy 50.0%)"


def test_flags_come_the_worst_first() -> None:
    broken = lasting(gradients(a="vanishing", b="non_finite"))
    flags = last(epoch(90.0), *broken, classes(10.0), epoch(10.0)).red_flags
    assert flags == ["non_finite", "accuracy_collapse", "vanishing_gradients", "class_imbalance"]


def test_plateau_epochs_count_from_the_last_half_point_over_the_best() -> None:
    accuracies = [50.0, 50.4, 50.5, 50.9, 49.0, math.nan, 51.0, 60.0, math.inf, 60.5]
    assert [row.plateau_epochs for row in assessed(*map(epoch, accuracies))] == [0, 1, 0, 1, 2, 3, 0, 0, 1, 0]


def test_what_is_measured_and_how_far_back_it_is_told_makes_no_network_better_or_worse() -> None:
    story = [*course(descent(*[1.0] * 9)), *training([1.0, 9.0]), *plateau(9), *risen()]
    told = [[row.narrative for row in assessed(configured(length), *story)] for length in (5, 20)]
    judged = [
        [(row.learning, row.red_flags, row.plateau_epochs) for row in assessed(*said, *story)]
        for said in ([], [configured(5)], [configured(20)], [configured(100)])
    ]
    assert all(row == judged[0] for row in judged)
    assert {"improving", "plateau", "worsening"} <= {learning for learning, _, _ in judged[0]}
    assert [line[7] for line in told] == [
        "Loss improving (mean of 5 epochs 9 -> 5; now 3)",
        "Loss improving (mean of 5 epochs 10 -> 5; now 3)",
    ]


def test_what_was_measured_in_an_earlier_epoch_is_unknown_and_not_healthy() -> None:
    story = [gradients(a=None, b="dead"), activations(0.9), classes(1.0), sharpness(9.0), epoch(), epoch()]
    first, second = assessed(*story)
    assert (first.health, second.health) == (2 / 3, None)
    assert (second.red_flags, second.opportunities, second.complaints) == ([], [], {})
    assert second.narrative == "Loss 1"


def test_what_nobody_measured_the_size_of_is_not_called_healthy() -> None:
    bare = {"norm": None, "std": None}
    row = last(one_layer(**bare), epoch())
    assert (row.health, row.opportunities, row.narrative) == (None, [], "Loss 1")
    assert last(*lasting(one_layer(**bare, non_finite=1)), epoch()).health == 0.0


def test_a_class_whose_accuracy_is_broken_is_no_imbalance() -> None:
    rows = classes(20.0)
    broken = replace(rows, classes={**rows.classes, "0": ClassFigures(n=9, accuracy=math.nan)})
    row = last(broken, epoch())
    assert row.red_flags == ["non_finite"]
    assert row.narrative == "Loss 1 | Not finite: classes"
    assert last(rows, epoch()).red_flags == ["class_imbalance"]


def test_a_step_that_exploded_is_not_hidden_by_the_next() -> None:
    row = last(gradients(a="exploding", b="vanishing", gone="exploding"), gradients(a="vanishing", b=None), epoch())
    assert row.complaints == {"exploding": ["a", "gone"]}


def test_a_gradient_that_was_not_finite_is_judged_by_what_came_after_it() -> None:
    step, silent = gradients(a="non_finite"), replace(epoch(), val_loss=None)
    for calm in ([step, epoch()], [step, gradients(a=None), silent], [step, weights(norm=1.0), silent]):
        row = last(*calm)
        assert (row.red_flags, row.complaints, "not finite" in row.narrative.lower()) == ([], {}, False)
    assert last(step, gradients(a=None), epoch()).opportunities == ["healthy_gradients"]
    for bad in ([step, silent], [step, weights(norm=math.nan), silent], [step, epoch(val_loss=math.nan)]):
        row = last(*bad)
        assert row.red_flags[0] == "non_finite"
        assert "a" in row.complaints["non_finite"]


@pytest.mark.parametrize("norm", [{"host_grad_norm": math.inf}, {"seed_grad_norms": {"early": math.nan}}])
def test_a_mean_over_steps_of_which_one_was_left_out_is_no_broken_network(norm: dict[str, Any]) -> None:
    assert last(epoch(**norm)).red_flags == []
    assert last(epoch(**norm, val_loss=math.nan)).narrative == f"Loss is NaN | Not finite: val_loss, {next(iter(norm))}"


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
        *[event(row, group="ppo", env=0, episode=1) for row in plateau(5)],
        # Its start was not seen.
        event(epoch(10.0), group="ppo", env=0, episode=2),
    ]
    rows: list[Any] = derived(assess_epochs(), told)
    assert [row.plateau_epochs for row in rows] == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 0]
    assert rows[4].complaints == {}
    assert "sustained_plateau" in rows[9].red_flags
    assert rows[10].learning == "starting"


def breaking(make: Callable[..., Payload], name: str, number: Any) -> list[Payload]:
    """An epoch in which one number is this one, and gradients without a complaint were measured last."""
    row = make(**{name: number})
    if isinstance(row, GradientsMeasured):
        return [*lasting(row), gradients(a=None), epoch()]
    return [row] if isinstance(row, EpochCompleted) else [row, gradients(a=None), epoch()]


MAKERS: dict[Callable[..., Payload], tuple[str, ...]] = {
    epoch: (
        *("train_loss", "train_accuracy", "val_loss", "val_accuracy", "isolation_leakage"),
        "isolation_forward_leakage",
        "slots",
    ),
    whole_gradients: ("host_norm", "slot_norms", "seed_to_host"),
    one_layer: ("norm", "mean", "std", "zero", "vanishing", "exploding", "percentiles"),
    activations: ("mean", "std", "zero", "dormant", "effective_rank"),
    weights: ("norm", "update_ratio"),
    sharpness: ("rise", "sharpness_se", "spread", "sam", "loss", "scale"),
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
        assert row.plateau_epochs is None or row.plateau_epochs >= 0
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


def test_a_plateau_is_as_long_in_epochs_however_often_an_epoch_is_told() -> None:
    curve = [min(70.0, 40.0 + n) for n in range(1, 101)]
    flagged = {}
    for every in (1, 2, 5, 10):
        rows = [event(epoch(curve[n - 1]), env=0, episode=0, epoch=n) for n in range(every, 101, every)]
        found: list[Any] = derived(assess_epochs(), rows)
        assert (found[-1].plateau_epochs, found[-1].learning) == (70, "plateau")
        flagged[every] = next(every * (n + 1) for n, row in enumerate(found) if "sustained_plateau" in row.red_flags)
    assert flagged == {1: 37, 2: 36, 5: 35, 10: 40}


def test_a_seed_that_begins_as_nothing_is_no_complaint_and_one_that_stays_so_is() -> None:
    sound, born = gradients(a=None), gradients(a=None, seed="dead")
    rows = assessed(sound, epoch(), born, epoch(), born, epoch(), sound, epoch())
    assert [row.health for row in rows] == [1.0, 1.0, 0.5, 1.0]
    assert [row.complaints for row in rows] == [{}, {}, {"dead": ["seed"]}, {}]
    assert [row.narrative.split(" | ")[-1] for row in rows[1:3]] == ["Gradient health good", "No gradient in seed"]


RISES, FALLS, LIES = (
    [50.0 + 3 * n for n in range(9)],
    [50.0 - 3 * n for n in range(9)],
    [50.0] * 9,
)


@pytest.mark.parametrize(
    ("accuracies", "losses", "learning"),
    [
        (LIES, LIES, "plateau"),
        (LIES, FALLS, "improving"),
        (LIES, RISES, "worsening"),
        # The accuracy leads.
        (RISES, RISES, "improving"),
        (RISES, LIES, "improving"),
        (FALLS, FALLS, "worsening"),
        (FALLS, LIES, "worsening"),
        ([None] * 9, LIES, "plateau"),
        ([None] * 9, FALLS, "improving"),
        (LIES[:4], LIES[:4], "starting"),
        (LIES, [*LIES[:8], math.nan], "broken"),
    ],
)
def test_how_it_learns_by_accuracy_and_loss(accuracies: Sequence[Any], losses: Sequence[float], learning: str) -> None:
    story = [
        epoch(accuracy, val_loss=loss, train_loss=1.0, n_val=10_000)
        for accuracy, loss in zip(accuracies, losses, strict=True)
    ]
    assert last(*story).learning == learning


def noisy(seed: int, epochs: int = 45) -> list[tuple[float, float]]:
    """Losses of training and validation that fall, lie still or rise, with noise and now and then a jump."""
    random, train, val, curves = Random(seed), 2.0, 2.0, []
    slope = random.choice((-0.1, -0.02, 0.0, 0.0, 0.05))
    for n in range(epochs):
        slope = random.choice((-0.1, 0.0, 0.05)) if n % 15 == 0 else slope
        jump = random.choice((0.0,) * 20 + (1.0, 3.0))
        train, val = train + slope + jump, val + slope + random.choice((0.0, jump))
        curves.append((train + random.gauss(0, 0.05), val + random.gauss(0, 0.08)))
    return curves


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from((1e-3, 1.0, 64.0)), st.sampled_from((-3.0, 0.0, -40.0, 100.0)))
def test_another_unit_or_another_zero_of_the_losses_changes_nothing(seed: int, scale: float, shift: float) -> None:
    def judged(scale: float, shift: float) -> list[tuple[str, list[str], int | None]]:
        rows = [(scale * (train + shift), scale * (val + shift)) for train, val in noisy(seed)]
        found = assessed(*[epoch(60.0, train_loss=train, val_loss=val) for train, val in rows])
        return [(row.learning, row.red_flags, row.plateau_epochs) for row in found]

    assert judged(scale, shift) == judged(1.0, 0.0)


def test_noise_alone_is_seldom_called_worse() -> None:
    """900 epochs around a loss of 0.3, 360 samples: three standard errors are passed in a few spells of some epochs."""
    random, worse = Random(1), 0
    for episode in range(20):
        rows = [
            epoch(
                100 * sum(random.random() < 0.93 for _ in range(360)) / 360, n_val=360, val_loss=random.gauss(0.3, 0.03)
            )
            for _ in range(45)
        ]
        worse += sum(row.learning == "worsening" for row in assessed(*rows, episode=episode))
    assert worse <= 45


FIGURES = st.sampled_from([0.0, 0.2, 0.5, 1.0, 1.02, 1.1, 3.0, -2.0, math.nan]) | st.floats(-5, 5)
ACCURACIES = st.sampled_from([0.0, 10.0, 50.0, 50.4, 55.0, 60.0, 93.0, 100.0, math.nan])
UP, DOWN = {"diverging", "overfitting", "accuracy_collapse"}, {"sustained_plateau"}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(
            epoch,
            ACCURACIES,
            val_loss=FIGURES,
            train_loss=FIGURES,
            train_accuracy=ACCURACIES,
            n_val=st.sampled_from((None, 20, 360)),
        ),
        min_size=1,
        max_size=30,
    )
    | st.lists(st.tuples(st.sampled_from((0.0, 1.0)), st.integers(1, 12)), min_size=1, max_size=4).map(
        lambda runs: [epoch(50.0 + 20 * level, val_loss=level, train_loss=level) for level, n in runs for _ in range(n)]
    )
)
def test_narrative_flags_and_opportunities_never_contradict_each_other(story: list[Payload]) -> None:
    for row in assessed(*story):
        flags, said = set(row.red_flags), row.narrative.split(" | ")[0]
        assert ("improving" in said) <= (row.learning == "improving")
        assert ("worsening" in said) <= (row.learning == "worsening")
        assert ("Plateau" in said) <= (row.learning == "plateau")
        assert (row.learning == "broken") == ("non_finite" in flags)
        assert (flags & {"overfitting"} == set()) or row.learning == "worsening"
        assert (flags & UP == set()) or row.learning in {"worsening", "broken"}
        assert (flags & DOWN == set()) or row.learning == "plateau"
        assert "underfitting" not in row.opportunities or row.learning == "plateau"
        if arrow := re.search(r"(\w+) (improving|worsening) \((\S+?)%? -> (\S+?)%?\)", said):
            what, how, before, now = arrow.groups()
            # Three digits may be the same.
            rises = (what == "Accuracy") == (how == "improving")
            assert float(before) <= float(now) if rises else float(before) >= float(now)
