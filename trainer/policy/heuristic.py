"""The policy by rule: germinate when progress slows, fossilize what helps, cull what does not."""

from nissa.events.kinds import Action
from nissa.trainer.network import BLUEPRINTS, GATES, LIVE
from nissa.trainer.policy.situation import Situation, SlotView
from nissa.trainer.training import trend

__all__ = ["heuristic_action"]

_SLOW = 3.0
"""Points in three epochs below which progress counts as slow."""
_LONG = 6
"""Epochs that a seed may hold without helping."""
_FIRST_EPOCH = 6
_EARNS, _LASTS = GATES["G5"].rules[0].threshold, int(GATES["G0"].rules[1].threshold)


def heuristic_action(situation: Situation) -> Action:
    """One seed at a time, blueprints in turn, from the output to the input."""
    for slot in situation.slots:
        if slot.stable and slot.stage == "HOLDING":
            if (slot.contribution or 0.0) >= _EARNS:
                return Action(op="FOSSILIZE", slot=slot.name)
            if slot.epochs_in_stage >= _LONG:
                return Action(op="CULL", slot=slot.name)
    return _germinate(situation) if _due(situation) else Action(op="WAIT")


def _due(situation: Situation) -> bool:
    started = len(situation.accuracies) > _FIRST_EPOCH and situation.epochs_left >= _LASTS
    alone = not any(slot.stage in LIVE for slot in situation.slots)
    return started and alone and bool(_empty(situation)) and trend(situation.accuracies) < _SLOW


def _germinate(situation: Situation) -> Action:
    names = list(BLUEPRINTS)
    turn = names[(situation.germinated + names.index("conv_enhance")) % len(names)]
    return Action(op="GERMINATE", slot=_empty(situation)[-1].name, blueprint=turn, blend="cosine")


def _empty(situation: Situation) -> list[SlotView]:
    return [slot for slot in situation.slots if slot.stage == "DORMANT" and not slot.closed]
