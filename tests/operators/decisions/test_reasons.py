"""A text follows from its evidence: what is changed of it changes the words, and nothing else does."""

from dataclasses import replace
from typing import Any

import pytest

from nissa.events.kinds import Action, DecisionMade, EpochAssessed, GateEvaluated, HeadDecision, SeedAttribution
from nissa.operators.decisions.evidence import Evidence, SlotState
from nissa.operators.decisions.reasons import why_not_alternatives, why_this_action

LATE = {"late": SlotState("HOLDING", 3, 1.0, "s")}


def head(log_prob: float = -0.5, mask: tuple[bool, ...] = (True, True, True, False), **changed: Any) -> HeadDecision:
    found = HeadDecision(
        choice=0, log_prob=log_prob, entropy=1.0, mask=[*mask], valid=sum(mask), forced=sum(mask) == 1, relevant=True
    )
    return replace(found, **changed)


def seed(slot: str, shapley: float | None, low: float | None = None, high: float | None = None) -> SeedAttribution:
    return SeedAttribution(slot=slot, shapley=shapley, shapley_low=low, shapley_high=high, exact=True)


def gate(*, passed: bool) -> GateEvaluated:
    return GateEvaluated(
        slot="late", seed="s", gate="G4", target_stage="HOLDING", passed=passed, checks=[], reason="alpha 0.4 < 1"
    )


def known(**changed: Any) -> Evidence:
    found = Evidence(
        assessed=EpochAssessed(
            narrative="-", red_flags=[], opportunities=[], learning="plateau", complaints={}, plateau_epochs=4
        ),
        slots={"early": SlotState("DORMANT")} | LATE,
        gates={"late": gate(passed=True)},
        worth={"late": seed("late", 1.25, 0.25, 2.25)},
    )
    return replace(found, **changed)


def made(op: str = "CULL", **changed: Any) -> DecisionMade:
    action = Action(op=op) if op == "WAIT" else Action(op=op, slot="late")
    found = DecisionMade(action=action, executed=True, heuristic=action, heads={"op": head()}, value=1.5)
    return replace(found, **changed)


def words(decision: DecisionMade, evidence: Evidence) -> dict[str, str]:
    return {"why": why_this_action(decision, evidence), **why_not_alternatives(decision, evidence)}


def test_all_that_speaks_for_a_decision_is_said() -> None:
    assert words(made(), known()) == {
        "why": "late HOLDING for 3 epochs at alpha 1.00 [worth +1.25 (0.25 to 2.25) points, G4 passed]; "
        "learning: plateau, best 4 epochs ago; drawn with probability 0.61 of 3 operations; "
        "the critic expects 1.50; the heuristic agrees",
        "WAIT": "learning: plateau, best 4 epochs ago; 0.39 was left to it and 1 more",
        "GERMINATE": "early DORMANT; 0.39 was left to it and 1 more",
        "FOSSILIZE": "masked: early DORMANT, late HOLDING G4 passed",
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (made(heads={"op": head(mask=(True, False, True, True))}), {"GERMINATE", "FOSSILIZE"}),
        (made(heads={"op": head(-1.0)}), {"why", "WAIT", "GERMINATE"}),
        (made(heads={"op": head(mask=(False, False, True, False))}), {"why", "WAIT", "GERMINATE"}),
        (made(value=-2.0), {"why"}),
        (made(heuristic=Action(op="FOSSILIZE", slot="late")), {"why", "FOSSILIZE"}),
        (made(executed=False, refused_by="G5"), {"why"}),
        (made(heads={}), {"why", "WAIT", "GERMINATE", "FOSSILIZE"}),
    ],
)
def test_what_is_changed_of_a_decision_changes_the_words(changed: DecisionMade, said: set[str]) -> None:
    before, after = words(made(), known()), words(changed, known())
    assert {name for name in before if before[name] != after[name]} == said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (known(gates={"late": gate(passed=False)}), {"why", "FOSSILIZE"}),
        (known(worth={"late": seed("late", -3.0, -4.0, -2.0)}), {"why"}),
        (known(worth={"late": seed("late", 1.25)}), {"why"}),
        (known(worth={}), {"why"}),
        (
            known(slots={"early": SlotState("TRAINING"), "late": SlotState("HOLDING", 3, 1.0)}),
            {"GERMINATE", "FOSSILIZE"},
        ),
        (known(slots={"early": SlotState("DORMANT"), "late": SlotState("HOLDING", 4, 1.0)}), {"why"}),
        (known(assessed=None), {"why", "WAIT"}),
    ],
)
def test_what_is_changed_of_the_network_changes_the_words(changed: Evidence, said: set[str]) -> None:
    before, after = words(made(), known()), words(made(), changed)
    assert {name for name in before if before[name] != after[name]} == said


def test_the_probability_of_an_action_is_that_of_all_its_free_heads() -> None:
    heads = {"op": head(-0.5), "slot": head(-1.0), "blueprint": head(0.0, (True,)), "blend": head(relevant=False)}
    assert "drawn with probability 0.61 of 3 operations, with slot 0.22" in why_this_action(made(heads=heads), known())
    assert "masks left no choice" in why_this_action(made(heads={"op": head(0.0, (True,))}), known())


def test_of_what_was_not_told_nothing_is_said() -> None:
    bare = DecisionMade(action=Action(op="WAIT"))
    assert set(words(bare, Evidence()).values()) == {"nothing was told of it"}
