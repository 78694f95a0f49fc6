"""What the gates are told is what was measured, and decisions are carried out as far as they allow."""

import math
from typing import Any

import pytest

from nissa.events.kinds import Action, GateEvaluated, SeedCulled, SeedGerminated
from nissa.trainer.growth.growth import Growth
from nissa.trainer.network.model import Model
from nissa.trainer.training.epoch import TrainedEpoch

TRAINED = TrainedEpoch(0.5, 80.0, 1.0, {"early": 0.1, "mid": 0.2, "late": 0.3}, 0.0, 0.0, {}, 0.0)


def germinate(slot: str, blueprint: str = "conv_enhance") -> Action:
    return Action(op="GERMINATE", slot=slot, blueprint=blueprint, blend="linear")


@pytest.fixture
def growth(silent: Any) -> Growth:
    return Growth(Model(0, silent), "env0-ep0", 0, "policy")


def told(growth: Growth, kind: type[Any]) -> list[Any]:
    emitter: Any = growth.model.slots["mid"].emitter
    return [payload for payload in emitter.told if isinstance(payload, kind)]


def test_the_first_gate_weighs_the_model_as_it_would_be_after(growth: Growth) -> None:
    assert growth.act(germinate("mid"), 50.0, 30) is None
    assert growth.act(germinate("late"), 50.0, 30) is None
    assert growth.act(germinate("early"), 50.0, 30) == "G0"
    ratios = [gate.checks[0].value for gate in told(growth, GateEvaluated)]
    assert ratios == pytest.approx([1 + 332 / 1256, 1 + 664 / 1256, 1 + (664 + 291) / 1256])
    assert (growth.germinated, len(told(growth, SeedGerminated))) == (2, 2)


def test_too_late_in_the_episode_nothing_germinates(growth: Growth) -> None:
    assert growth.act(germinate("mid", "norm"), 50.0, 11) == "G0"
    assert told(growth, GateEvaluated)[0].reason == "epochs_left 11 is not >= 12"


def test_the_gates_see_each_slots_own_figures(growth: Growth) -> None:
    growth.act(germinate("mid"), 50.0, 30)
    growth.act(germinate("late"), 50.0, 30)
    growth.model.slots["late"].enter("HOLDING", 60.0)
    growth.model.slots["late"].alpha = 1.0
    growth.observe(TRAINED, [10.0, 50.0, 55.0, 60.0, 61.0, 62.0, 63.0], {"late": 2.5})
    mid, late = growth.model.slots["mid"].facts, growth.model.slots["late"].facts
    assert late == {
        "epochs_in_stage": 0.0,
        "gradient_norm": 0.3,
        "finite_epochs": 1.0,
        "isolation_leakage": 0.0,
        "isolation_forward_leakage": 0.0,
        "alpha": 1.0,
        "accuracy_change": 3.0,
        "accuracy_trend": 62.0 - 55.0,
        "counterfactual_contribution": 2.5,
    }
    assert (mid["gradient_norm"], mid["accuracy_change"], mid["counterfactual_contribution"]) == (0.2, 13.0, None)
    assert growth.model.slots["early"].facts == {}


def test_a_cull_says_who_wanted_it(growth: Growth) -> None:
    growth.act(germinate("mid"), 50.0, 30)
    growth.act(germinate("late"), 50.0, 30)
    assert growth.act(Action(op="CULL", slot="mid"), 49.0, 29) is None
    growth.end(48.0)
    rows = [(row.slot, row.initiator, row.improvement) for row in told(growth, SeedCulled)]
    assert rows == [("mid", "policy", -1.0), ("late", "episode_end", -2.0)]
    assert growth.culled == 2


def test_waiting_does_nothing(growth: Growth) -> None:
    assert growth.act(Action(op="WAIT"), 50.0, 30) is None
    assert told(growth, object) == []


def test_what_a_slot_is_not_fit_for_is_refused_by_its_stage_and_changes_nothing(growth: Growth) -> None:
    growth.act(germinate("mid"), 50.0, 30)
    there = list(told(growth, object))
    assert growth.act(germinate("mid", "norm"), 50.0, 29) == "GERMINATED"
    assert growth.act(Action(op="FOSSILIZE", slot="mid"), 50.0, 29) == "GERMINATED"
    assert growth.act(Action(op="CULL", slot="late"), 50.0, 29) == "DORMANT"
    assert told(growth, object) == there
    with pytest.raises(KeyError):
        growth.act(Action(op="CULL", slot="nowhere"), 50.0, 29)


def test_seeds_of_one_episode_differ_and_come_back_the_same_in_the_next(growth: Growth, silent: Any) -> None:
    again = Growth(Model(0, silent), "env0-ep1", 0, "policy")
    for each in (growth, again):
        each.act(germinate("mid"), 50.0, 30)
        each.act(germinate("late"), 50.0, 30)
    weights = [
        [slot.seed.get_parameter("body.0.weight").tolist() for slot in each.model.seeded() if slot.seed]
        for each in (growth, again)
    ]
    assert weights[0] == weights[1]
    assert weights[0][0] != weights[0][1]


@pytest.mark.parametrize(
    "broken", [{"seed_grad_norms": {"mid": math.nan}}, {"seed_non_finite": {"mid": 1}}], ids=["gradient", "outputs"]
)
def test_an_epoch_in_which_a_seed_is_broken_begins_the_count_of_finite_ones_anew(growth: Growth, broken: Any) -> None:
    growth.act(germinate("mid"), 50.0, 30)
    counts = []
    for trained in (
        TRAINED,
        TRAINED,
        TRAINED._replace(**broken),
        TRAINED,
        TRAINED._replace(seed_non_finite={"late": 1}),
    ):
        growth.observe(trained, [50.0], {})
        counts.append(growth.model.slots["mid"].facts["finite_epochs"])
    assert counts == [1.0, 2.0, 0.0, 1.0, 2.0]
