"""What is known of a network when something is decided: slots, gates, what its seeds are worth, how it learns."""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from nissa.events.kinds import (
    EpochAssessed,
    EpochCompleted,
    GateEvaluated,
    SeedAttribution,
    SeedGerminated,
    SeedsAttributed,
    StageChanged,
)
from nissa.events.vocabulary import EMPTY_STAGES

__all__ = ["SEEN", "Evidence", "SlotState"]

SEEN = (EpochCompleted, EpochAssessed, SeedsAttributed, SeedGerminated, StageChanged, GateEvaluated)
"""The kinds that evidence is made of."""
MAX_SLOTS = 1000
"""Slots of a network that are known; of more, the one heard of first is forgotten."""


class SlotState(NamedTuple):
    """A slot and the seed in it. What was not told is None."""

    stage: str
    epochs_in_stage: int | None = None
    alpha: float | None = None
    seed: str | None = None


@dataclass(slots=True)
class Evidence:
    """All that was told of a network so far."""

    assessed: EpochAssessed | None = None
    slots: dict[str, SlotState] = field(default_factory=dict)
    gates: dict[str, GateEvaluated] = field(default_factory=dict)
    """By slot, the gate that was asked last of the seed in it."""
    worth: dict[str, SeedAttribution] = field(default_factory=dict)
    """By slot, what the seed in it was worth when that was last measured."""

    def copy(self) -> "Evidence":
        """As it is now, whatever is told later."""
        return replace(self, slots={**self.slots}, gates={**self.gates}, worth={**self.worth})

    def take(self, payload: Any) -> None:
        """Take an event in."""
        match payload:
            case EpochAssessed():
                self.assessed = payload
            case SeedsAttributed():
                self.worth = {seed.slot: seed for seed in payload.seeds}
            case SeedGerminated():
                self._settle(payload.slot, SlotState("GERMINATED", 0, 0.0, payload.seed))
            case StageChanged():
                self._settle(payload.slot, SlotState(payload.to_stage, 0, payload.alpha, payload.seed))
            case GateEvaluated():
                self.gates[payload.slot] = payload
            case EpochCompleted():
                for told in payload.slots:
                    self._settle(told.slot, SlotState(told.stage, told.epochs_in_stage, told.alpha, told.seed))

    def where(self, op: str) -> list[str]:
        """The slots in which an operation can be done, as far as their stages say so."""
        stages = {slot: state.stage for slot, state in self.slots.items()}
        if op == "GERMINATE":
            return [slot for slot, stage in stages.items() if stage in EMPTY_STAGES]
        if op == "CULL":
            return [slot for slot, stage in stages.items() if stage not in EMPTY_STAGES | {"FOSSILIZED"}]
        return [slot for slot, stage in stages.items() if op == "FOSSILIZE" and stage == "HOLDING"]

    def _settle(self, slot: str, state: SlotState) -> None:
        self.slots[slot] = state
        if state.stage in EMPTY_STAGES:
            self.worth.pop(slot, None)
            self.gates.pop(slot, None)
        if len(self.slots) > MAX_SLOTS:
            del self.slots[next(iter(self.slots))]
