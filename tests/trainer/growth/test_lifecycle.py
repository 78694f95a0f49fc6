"""A seed goes through its stages one gate at a time, and every move is told."""

from typing import Any

import pytest

from nissa.events.kinds import GateEvaluated, SeedCulled, SeedFossilized, SeedGerminated, StageChanged
from nissa.trainer.growth.lifecycle import PATIENCE, advance, cull, fossilize, germinate
from nissa.trainer.network.slot import LIVE, Slot

FINE: dict[str, float | None] = {
    "growth_ratio_after": 1.2,
    "epochs_left": 30.0,
    "gradient_norm": 1.0,
    "finite_epochs": 9.0,
    "isolation_leakage": 0.0,
    "isolation_forward_leakage": 0.0,
    "accuracy_change": 1.0,
    "accuracy_trend": 1.0,
    "counterfactual_contribution": 2.0,
}


@pytest.fixture
def slot(silent: Any) -> Slot:
    return Slot("mid", 8, silent)


def live(slot: Slot, epochs: int, accuracy: float = 60.0, **facts: float | None) -> None:
    for _ in range(epochs):
        slot.start_epoch()
        slot.facts = FINE | {"epochs_in_stage": float(slot.epochs_in_stage), "alpha": slot.alpha} | facts
        advance(slot, accuracy, never)


def never() -> float:
    raise AssertionError("nobody asked")


def told(slot: Slot, kind: type[Any]) -> list[Any]:
    return [payload for payload in slot.emitter.told if isinstance(payload, kind)]  # type: ignore[attr-defined]


def test_a_seed_that_does_well_goes_through_every_stage_in_order(slot: Slot, make_seed: Any) -> None:
    assert germinate(slot, make_seed(), FINE)
    live(slot, 1 + 3 + 4 + 3)
    assert slot.stable
    assert fossilize(slot, 62.0)
    moves = [(move.from_stage, move.to_stage, move.epochs_in_stage, move.alpha) for move in told(slot, StageChanged)]
    assert moves == [
        ("DORMANT", "GERMINATED", 0, 0.0),
        ("GERMINATED", "TRAINING", 1, 0.0),
        ("TRAINING", "BLENDING", 3, 0.0),
        ("BLENDING", "HOLDING", 4, 1.0),
        ("HOLDING", "FOSSILIZED", 3, 1.0),
    ]
    assert [(gate.gate, gate.passed) for gate in told(slot, GateEvaluated)] == [(f"G{i}", True) for i in range(6)]


def test_what_is_told_of_germination_and_fossilization_has_the_right_numbers(slot: Slot, make_seed: Any) -> None:
    germinate(slot, make_seed("conv_enhance", accuracy=50.0), FINE)
    live(slot, 11)
    fossilize(slot, 62.0)
    (born,), (kept,) = told(slot, SeedGerminated), told(slot, SeedFossilized)
    assert (born.slot, born.blueprint, born.params) == ("mid", "conv_enhance", 8 * 4 * 9 + 4 + 4 * 8 + 8)
    assert born.flops == 2 * 16 * (8 * 4 * 9 + 4 * 8)  # multiply and add, for each of 16 pixels
    assert (kept.improvement, kept.params_added, kept.epochs_total) == (12.0, born.params, 11)
    assert kept.ablation == FINE["counterfactual_contribution"]
    assert told(slot, StageChanged)[-1].accuracy_delta == 12.0


def test_alpha_rises_epoch_by_epoch_while_blending_and_stays_at_1(slot: Slot, make_seed: Any) -> None:
    germinate(slot, make_seed(), FINE)
    live(slot, 4)
    shares = []
    for _ in range(6):
        live(slot, 1)
        shares.append(slot.alpha)
    assert shares == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_a_seed_too_large_is_not_germinated(slot: Slot, make_seed: Any) -> None:
    assert not germinate(slot, make_seed(), FINE | {"growth_ratio_after": 1.9})
    assert slot.seed is None
    assert slot.stage == "DORMANT"
    assert not told(slot, SeedGerminated)
    assert [(gate.gate, gate.passed) for gate in told(slot, GateEvaluated)] == [("G0", False)]


def test_a_gate_that_stays_shut_is_asked_until_patience_is_over_and_then_the_seed_is_culled(
    slot: Slot, make_seed: Any
) -> None:
    germinate(slot, make_seed(), FINE)
    live(slot, 1)
    live(slot, 3 + PATIENCE, isolation_leakage=0.1)
    gates = [gate.passed for gate in told(slot, GateEvaluated) if gate.gate == "G2"]
    assert gates == [False] * (1 + PATIENCE)
    (culled,) = told(slot, SeedCulled)
    assert (culled.initiator, culled.reason, culled.epochs_total) == ("gate", "G2 stayed shut", 4 + PATIENCE)
    assert slot.stage == "DORMANT"


@pytest.mark.parametrize(("epochs", "stage"), [(0, LIVE[0]), (1, LIVE[1]), (4, LIVE[2]), (8, LIVE[3])])
def test_a_seed_can_be_culled_from_every_live_stage_and_its_slot_is_as_good_as_new(
    slot: Slot, make_seed: Any, silent: Any, epochs: int, stage: str
) -> None:
    germinate(slot, make_seed(accuracy=50.0), FINE)
    live(slot, epochs)
    assert slot.stage == stage
    states: list[tuple[str, float]] = []

    def measure() -> float:
        states.append((slot.stage, slot.alpha))
        return 61.0 - len(states)

    mixed = (slot.stage, slot.alpha) if slot.alpha else None
    assert cull(slot, 47.0, measure, reason="why not", initiator="policy")
    (culled,) = told(slot, SeedCulled)
    assert culled.improvement == -3.0
    assert (culled.accuracy_before, culled.accuracy_after) == ((60.0, 59.0) if mixed else (None, None))
    assert states == ([mixed, ("DORMANT", 0.0)] if mixed else [])
    assert culled.ablation == (2.0 if epochs else None)
    assert [move.to_stage for move in told(slot, StageChanged)][-2:] == ["CULLED", "DORMANT"]
    fresh = Slot("mid", 8, silent)
    names = (
        "stage",
        "alpha",
        "seed",
        "stable",
        "facts",
        "gate",
        "isolated",
        "finite_epochs",
        "epochs_in_stage",
        "entry_accuracy",
    )
    assert [getattr(slot, name) for name in names] == [getattr(fresh, name) for name in names]
    assert list(slot.parameters()) == []
    assert germinate(slot, make_seed(), FINE)


def test_only_a_stable_seed_is_asked_whether_it_may_fossilize_and_only_once_it_earns_its_place(
    slot: Slot, make_seed: Any
) -> None:
    germinate(slot, make_seed(), FINE)
    live(slot, 10)
    assert slot.stage == "HOLDING"
    assert not fossilize(slot, 60.0)
    assert "G5" not in [gate.gate for gate in told(slot, GateEvaluated)]
    live(slot, 1, counterfactual_contribution=0.2)
    assert not fossilize(slot, 60.0)
    assert slot.stage == "HOLDING"
    live(slot, 1)
    assert fossilize(slot, 60.0)


def test_what_is_fossilized_can_be_neither_culled_nor_fossilized_again(slot: Slot, make_seed: Any) -> None:
    germinate(slot, make_seed(), FINE)
    live(slot, 11)
    fossilize(slot, 60.0)
    assert not cull(slot, 60.0, never, reason="too late", initiator="policy")
    assert not fossilize(slot, 60.0)
    assert slot.stage == "FOSSILIZED"


def test_nothing_happens_to_an_empty_slot(slot: Slot) -> None:
    assert not advance(slot, 50.0, never)
    assert not fossilize(slot, 50.0)
    assert not cull(slot, 50.0, never, reason="", initiator="policy")
    assert slot.emitter.told == []  # type: ignore[attr-defined]
