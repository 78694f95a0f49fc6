"""Masks leave valid actions only, whatever the situation."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kinds import Action
from nissa.trainer.network.slot import LIVE, STAGES
from nissa.trainer.policy.actions import HEADS, USES, action, masks, op_mask
from nissa.trainer.policy.actor_critic import ActorCritic
from nissa.trainer.policy.situation import OBSERVATION_SIZE, Situation, SlotView, observation

NETWORK = ActorCritic(0)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    def view(name: str) -> SlotView:
        stage = draw(st.sampled_from(STAGES))
        contribution = draw(st.none() | st.floats(-100, 100))
        stable = stage == "HOLDING" and draw(st.booleans())
        return SlotView(name, stage, draw(st.integers(0, 45)), 1.0, contribution, stable, closed=draw(st.booleans()))

    return Situation(
        epochs_left=draw(st.integers(1, 45)),
        max_epochs=45,
        train_accuracy=draw(st.floats(0, 100)),
        accuracies=tuple(draw(st.lists(st.floats(0, 100), min_size=1, max_size=46))),
        val_loss=draw(st.floats(0, 100)),
        growth_ratio=draw(st.floats(1, 2)),
        germinated=draw(st.integers(0, 9)),
        slots=tuple(view(name) for name in HEADS["slot"]),
    )


def is_valid(act: Action, situation: Situation) -> bool:
    """The rules in words of their own: each operation names exactly what it needs, and finds its slot in order."""
    slots = {slot.name: slot for slot in situation.slots}
    slot = slots[act.slot] if act.slot else None
    extras = (act.blueprint is not None, act.blend is not None)
    match act.op:
        case "WAIT":
            return slot is None and extras == (False, False)
        case "GERMINATE":
            return slot is not None and slot.stage == "DORMANT" and not slot.closed and extras == (True, True)
        case "CULL":
            return slot is not None and slot.stage in LIVE and extras == (False, False)
        case "FOSSILIZE":
            return slot is not None and slot.stage == "HOLDING" and slot.stable and extras == (False, False)
    return False


@settings(max_examples=200)
@given(situation=situations(), seed=st.integers(0, 2**31))
def test_the_policy_never_draws_an_invalid_action(situation: Situation, seed: int) -> None:
    decision = NETWORK.decide(situation, torch.Generator().manual_seed(seed))
    assert is_valid(decision.action, situation)
    assert is_valid(decision.heuristic, situation)
    for head in decision.heads.values():
        assert head.mask[head.choice]
        assert head.valid == sum(head.mask)
        assert head.forced == (head.valid == 1)
        assert -1e-6 <= head.entropy <= math.log(head.valid) + 1e-6
        assert head.log_prob <= 1e-6
    assert {name for name, head in decision.heads.items() if head.relevant} == set(USES[decision.action.op])


@settings(max_examples=200)
@given(situation=situations())
def test_every_valid_action_is_within_reach(situation: Situation) -> None:
    reach = {
        (op, slot)
        for op, open_op in zip(HEADS["op"], op_mask(situation), strict=True)
        if open_op
        for slot, open_slot in zip(HEADS["slot"], masks(situation, op)["slot"], strict=True)
        if open_slot and op != "WAIT"
    }
    assert op_mask(situation)[0]
    for op in ("GERMINATE", "CULL", "FOSSILIZE"):
        extras = {"blueprint": "norm", "blend": "linear"} if op == "GERMINATE" else {}
        for slot in HEADS["slot"]:
            assert ((op, slot) in reach) == is_valid(Action(op=op, slot=slot, **extras), situation)


@settings(max_examples=100)
@given(situation=situations())
def test_a_head_that_the_operation_does_not_use_adds_nothing(situation: Situation) -> None:
    for op, uses in USES.items():
        for head, mask in masks(situation, op).items():
            assert head in uses or sum(mask) == 1


@settings(max_examples=100)
@given(situation=situations())
def test_the_observation_has_the_size_that_the_network_expects_and_is_finite(situation: Situation) -> None:
    seen = observation(situation)
    assert len(seen) == OBSERVATION_SIZE == 30
    assert all(math.isfinite(number) for number in seen)


def test_each_number_of_the_observation_stands_where_it_is_documented() -> None:
    slots = (
        SlotView("early", "DORMANT", 3, 0.0, None, False),
        SlotView("mid", "BLENDING", 2, 0.5, 4.0, False),
        SlotView("late", "FOSSILIZED", 20, 1.0, -1.0, False),
    )
    situation = Situation(
        epochs_left=36,
        max_epochs=45,
        train_accuracy=70.0,
        accuracies=(10.0, 20.0, 30.0, 40.0, 50.0, 60.0),
        val_loss=2.303 / 2,
        growth_ratio=1.5,
        germinated=2,
        slots=slots,
    )
    expected = [
        [0.2, 0.7, 0.6, 0.5, 3.0, 0.5],
        [0, 0, 0, 0, 0, 0.3, 0, 0],
        [0, 0, 1, 0, 0, 0.2, 0.5, 0.4],
        [0, 0, 0, 0, 1, 1.0, 1.0, -0.1],
    ]
    assert torch.allclose(torch.tensor(observation(situation)), torch.tensor([n for part in expected for n in part]))


def test_a_host_that_diverged_can_still_be_seen() -> None:
    broken = Situation(5, 45, 10.0, (10.0, 10.0), math.nan, 1.0, 0, ())
    assert observation(broken)[3] == 1.0


def test_an_action_names_only_what_its_operation_uses() -> None:
    choices = {"op": 1, "slot": 2, "blueprint": 3, "blend": 0}
    assert action(choices) == Action(op="GERMINATE", slot="late", blueprint="attention", blend="linear")
    assert action(choices | {"op": 0}) == Action(op="WAIT")
    assert action(choices | {"op": 2}) == Action(op="CULL", slot="late")
