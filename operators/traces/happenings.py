"""What was done to a network? Turns in the lives of its seeds, each in a line, so that a trace can name causes.

>>> from nissa.events.event import Scope
>>> seeds = Happenings()
>>> cull = SeedCulled(slot="mid", blueprint="norm", reason="no gain", initiator="policy", epochs_total=3, ablation=2.5)
>>> [(done.what, done.change, done.basis) for done in seeds.take(Event(7, 0.0, Scope("run"), cull))]
[('norm culled from mid by the policy (no gain)', -2.5, 'ablation')]
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nissa.events.event import Event
from nissa.events.kinds import (
    EpochCompleted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    SlotSnapshot,
    StageChanged,
)
from nissa.operators.fold import Keyed

__all__ = ["MAX_HAPPENINGS", "TOLD", "Happening", "Happenings"]

MAX_HAPPENINGS = 32
"""Of one episode that are remembered; of more, the oldest is forgotten."""
_TOLD_OTHERWISE = ("GERMINATED", "FOSSILIZED", "CULLED", "DORMANT", "EMBARGOED", "RESETTING")
_WHO = {"policy": "the policy", "heuristic": "the heuristic", "gate": "a gate", "episode_end": "the end of its episode"}


class Happening(NamedTuple):
    """Something that was done; the fields are those of `TracedCause`."""

    seq: int
    """After which event."""
    epoch: int | None
    cause: str
    subject: str | None
    what: str
    disturbs: bool = False
    change: float | None = None
    basis: str | None = None


@dataclass(slots=True)
class Happenings:
    """What was done in one episode, and what is known of its seeds."""

    recent: deque[Happening] = field(default_factory=lambda: deque(maxlen=MAX_HAPPENINGS))
    slots: dict[str, SlotSnapshot] = field(default_factory=dict)
    """As the last epoch told them."""
    blueprints: Keyed[str | None] = field(default_factory=lambda: Keyed(lambda: None, limit=64))
    """By slot, as the last germination told them."""
    validated: int | None = None
    """Number of the event that told the last epoch."""

    def take(self, event: Event[Any]) -> list[Happening]:
        """Take one of the kinds `TOLD` in. Returns what was done, as far as it is worth a line."""
        done = list(TOLD[type(event.payload)](self, event))
        self.recent.extend(done)
        return done

    def name(self, slot: str, blueprint: str | None) -> str:
        """What is in a slot."""
        known = self.slots.get(slot)
        return blueprint or self.blueprints[slot] or (known.blueprint if known else None) or "a seed"


def _germinated(known: Happenings, event: Event[SeedGerminated]) -> Iterator[Happening]:
    seed = event.payload
    known.blueprints[seed.slot] = seed.blueprint
    what = f"{seed.blueprint} germinated in {seed.slot}"
    yield Happening(event.seq, event.scope.epoch, "germination", seed.slot, what)


def _stage(known: Happenings, event: Event[StageChanged]) -> Iterator[Happening]:
    """Beginning and end of a life have events of their own, and say more."""
    move = event.payload
    if move.from_stage != move.to_stage and move.to_stage not in _TOLD_OTHERWISE:
        what = f"{known.name(move.slot, move.blueprint)} in {move.slot} from {move.from_stage} to {move.to_stage}"
        yield Happening(event.seq, event.scope.epoch, "stage", move.slot, what)


def _fossilized(known: Happenings, event: Event[SeedFossilized]) -> Iterator[Happening]:
    seed = event.payload
    what = f"{known.name(seed.slot, seed.blueprint)} fossilized in {seed.slot}"
    yield Happening(event.seq, event.scope.epoch, "fossilization", seed.slot, what)


def _culled(known: Happenings, event: Event[SeedCulled]) -> Iterator[Happening]:
    seed, slot = event.payload, known.slots.get(event.payload.slot)
    who, reason = seed.initiator or "", seed.reason or ""
    by = f" by {_WHO.get(who, who)}" if who else ""
    why = f" ({reason})" if reason and not (who and who in reason) else ""
    what = f"{known.name(seed.slot, seed.blueprint)} culled from {seed.slot}{by}{why}"
    isolated = slot is not None and slot.alpha == 0 and seed.accuracy_before is None
    yield Happening(event.seq, event.scope.epoch, "cull", seed.slot, what, not isolated, *_cost(seed, slot))


def _cost(seed: SeedCulled, slot: SlotSnapshot | None) -> tuple[float | None, str | None]:
    """What became of the accuracy, by the best that was measured."""
    if seed.accuracy_before is not None and seed.accuracy_after is not None:
        return seed.accuracy_after - seed.accuracy_before, "cull"
    known = slot.counterfactual_contribution if slot else None
    ablation = seed.ablation if seed.ablation is not None else known
    if ablation is not None:
        return 0.0 - ablation, "ablation"
    return seed.improvement, None if seed.improvement is None else "lifetime"


def _epoch(known: Happenings, event: Event[EpochCompleted]) -> Iterator[Happening]:
    """The share of a seed is told after an epoch; it may have moved from the end of the epoch before on."""
    since, known.validated = known.validated, event.seq
    before, known.slots = known.slots, {slot.slot: slot for slot in event.payload.slots}
    for name, slot in known.slots.items():
        old = before.get(name)
        same = old is not None and (old.seed, old.blueprint) == (slot.seed, slot.blueprint)
        if since is not None and old is not None and same:
            yield from _blend(Happening(since, event.scope.epoch, "blend", name, "", True), old, slot)


def _blend(done: Happening, old: SlotSnapshot, new: SlotSnapshot) -> Iterator[Happening]:
    """A share that moved; one that was not told did not."""
    if old.alpha is None or new.alpha is None or old.alpha == new.alpha:
        return
    way = "in" if new.alpha > old.alpha else "out"
    what = f"{new.blueprint or 'a seed'} blended {way} at {new.slot}, alpha {old.alpha:.2f} to {new.alpha:.2f}"
    was, now = old.counterfactual_contribution if old.alpha else 0.0, new.counterfactual_contribution
    if was is None or now is None:
        yield done._replace(what=what)
    else:
        yield done._replace(what=what, change=now - was, basis="ablation_change")


TOLD: Mapping[type, Callable[[Happenings, Event[Any]], Iterator[Happening]]] = {
    SeedGerminated: _germinated,
    StageChanged: _stage,
    SeedFossilized: _fossilized,
    SeedCulled: _culled,
    EpochCompleted: _epoch,
}
"""The kinds that say what was done to a network."""
