"""What a policy can do before an epoch, as four factors that are chosen one after the other."""

from collections.abc import Mapping

from nissa.events.kinds import Action
from nissa.trainer.network import BLENDS, BLUEPRINTS, LIVE, SLOT_CHANNELS
from nissa.trainer.policy.situation import Situation

__all__ = ["HEADS", "USES", "action", "masks", "op_mask"]

HEADS: dict[str, tuple[str, ...]] = {
    "op": ("WAIT", "GERMINATE", "CULL", "FOSSILIZE"),
    "slot": tuple(SLOT_CHANNELS),
    "blueprint": tuple(BLUEPRINTS),
    "blend": tuple(BLENDS),
}
"""The choices of each factor, in the order of drawing."""

USES: dict[str, tuple[str, ...]] = {
    "WAIT": ("op",),
    "GERMINATE": ("op", "slot", "blueprint", "blend"),
    "CULL": ("op", "slot"),
    "FOSSILIZE": ("op", "slot"),
}
"""The factors that matter to each operation."""


def action(choices: Mapping[str, int]) -> Action:
    """The action behind an index for each head; what the operation does not use is None."""
    uses = USES[HEADS["op"][choices["op"]]]
    return Action(**{head: HEADS[head][choices[head]] for head in uses})


def op_mask(situation: Situation) -> list[bool]:
    """Which operations have a slot to act on; waiting needs none."""
    return [op == "WAIT" or any(_slots(situation, op)) for op in HEADS["op"]]


def masks(situation: Situation, op: str) -> dict[str, list[bool]]:
    """Which choices are valid of the other heads, once the operation is drawn.

    A head that the operation does not use keeps one choice, so that it adds nothing to log-probability and entropy.
    """
    valid = {head: [True] * len(names) for head, names in HEADS.items() if head != "op"}
    unused = {head: [i == 0 for i in range(len(mask))] for head, mask in valid.items() if head not in USES[op]}
    return valid | {"slot": _slots(situation, op)} | unused


def _slots(situation: Situation, op: str) -> list[bool]:
    """Where an operation can act."""
    if op == "GERMINATE":
        return [slot.stage == "DORMANT" and not slot.closed for slot in situation.slots]
    if op == "CULL":
        return [slot.stage in LIVE for slot in situation.slots]
    return [op == "FOSSILIZE" and slot.stable and slot.stage == "HOLDING" for slot in situation.slots]
