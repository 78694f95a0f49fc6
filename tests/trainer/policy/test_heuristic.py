"""The rules of the heuristic and of the reward, by hand."""

import pytest

from nissa.events.kinds import Action
from nissa.trainer.policy.decision import decide_by_rule, never
from nissa.trainer.policy.heuristic import heuristic_action
from nissa.trainer.policy.rewards import reward_components
from nissa.trainer.policy.situation import Situation, SlotView
from nissa.trainer.training.history import trend

PLATEAU = (10.0, 50.0, 70.0, 80.0, 80.0, 80.0, 80.0, 80.0, 80.0)
RISING = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0)
EMPTY = tuple(SlotView(name, "DORMANT", 5, 0.0, None, False) for name in ("early", "mid", "late"))


def situation(accuracies: tuple[float, ...], *late: SlotView, left: int = 30, germinated: int = 0) -> Situation:
    return Situation(left, 45, 80.0, accuracies, 0.5, 1.0, germinated, (*EMPTY[:2], *late) if late else EMPTY)


def holding(contribution: float | None, epochs: int = 3, *, stable: bool = True) -> SlotView:
    return SlotView("late", "HOLDING", epochs, 1.0, contribution, stable)


def test_it_germinates_on_a_plateau_from_the_output_to_the_input_with_blueprints_in_turn() -> None:
    first = heuristic_action(situation(PLATEAU))
    assert first == Action(op="GERMINATE", slot="late", blueprint="conv_enhance", blend="cosine")
    fossil = SlotView("late", "FOSSILIZED", 3, 1.0, 2.0, True)
    second = heuristic_action(situation(PLATEAU, fossil, germinated=1))
    assert second == Action(op="GERMINATE", slot="mid", blueprint="attention", blend="cosine")
    closed = SlotView("late", "DORMANT", 3, 0.0, None, False, closed=True)
    assert heuristic_action(situation(PLATEAU, closed)).slot == "mid"


@pytest.mark.parametrize(
    "waits",
    [
        situation(RISING),
        situation(PLATEAU, left=11),
        situation(PLATEAU[:4]),
        situation(PLATEAU, SlotView("late", "TRAINING", 2, 0.0, None, False)),
        situation(PLATEAU, holding(3.0, stable=False)),
        situation(PLATEAU, holding(0.1, epochs=5)),
    ],
    ids=["rising", "too late", "too early", "one is growing", "not stable yet", "may still help"],
)
def test_it_waits_otherwise(waits: Situation) -> None:
    assert heuristic_action(waits) == Action(op="WAIT")


def test_it_fossilizes_what_helps_and_culls_what_has_long_not_helped() -> None:
    assert heuristic_action(situation(RISING, holding(0.5))) == Action(op="FOSSILIZE", slot="late")
    assert heuristic_action(situation(RISING, holding(-1.0, epochs=6))) == Action(op="CULL", slot="late")


def test_never_waits_and_still_says_what_the_heuristic_would_do() -> None:
    decision = never(situation(PLATEAU))
    assert decision.action == Action(op="WAIT")
    assert decision.heuristic.op == "GERMINATE"
    assert decide_by_rule(situation(PLATEAU)).action == decision.heuristic
    assert (decision.heads, decision.value, decision.masked) == ({}, None, False)


def test_the_trend_compares_the_last_three_epochs_with_the_three_before() -> None:
    assert trend((1.0, 2.0, 3.0, 5.0, 6.0, 7.0)) == 4.0
    assert trend((3.0, 5.0, 6.0, 7.0)) == 3.0
    assert trend((5.0, 6.0)) == 0.0


def test_the_reward_is_what_growing_gained_less_what_it_cost() -> None:
    found = reward_components(accuracy_delta=3.0, twin_delta=1.0, kept_delta=-2.5, growth_ratio=1.4)
    assert found == pytest.approx({"accuracy": 3.0, "twin": -1.0, "kept": -2.5, "rent": -0.02})
