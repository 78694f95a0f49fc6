"""What did an episode come to? Of two networks: as it was trained, and as it is kept without what did not fossilize.

What is kept is measured by nobody in some logs. It is known all the same where nothing had to go, or where the last
factorial measured just that configuration; otherwise it stays unknown.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from nissa.events.kinds import (
    CounterfactualMeasured,
    EpisodeEnded,
    EpochCompleted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.events.vocabulary import EMPTY_STAGES
from nissa.operators.growth import growth_ratio

__all__ = ["EpisodeSoFar", "Factorial", "Outcome", "Validated"]


class Outcome(NamedTuple):
    """How an episode ended; accuracies in percent, growth as (host + seeds) / host. What is not known is None."""

    epochs: int | None
    looks: int
    """Validations that its peak is the highest of."""
    final_accuracy: float | None
    final_growth_ratio: float | None
    kept_accuracy: float | None
    kept_growth_ratio: float | None
    peak_accuracy: float | None


class Factorial(NamedTuple):
    """What was measured with which slots switched on."""

    epoch: int | None
    slots: tuple[str, ...]
    accuracy: dict[tuple[bool, ...], float | None]


class Validated(NamedTuple):
    """What the epoch that was validated last says of its network."""

    epoch: int | None = None
    told_slots: bool = False
    host_params: int | None = None
    seed_params: int | None = None
    total_params: int | None = None
    fossilized_params: int | None = None

    def seeds(self, host: int | None) -> int | None:
        """Parameters of all seeds, told as such or by the whole."""
        if self.seed_params is not None or self.total_params is None or host is None:
            return self.seed_params
        return self.total_params - host


@dataclass(slots=True)
class EpisodeSoFar:
    """An episode until now."""

    is_open: bool = False
    """Whether anything was told of it."""
    is_over: bool = False
    """Whether its end was."""
    looks: int = 0
    peak: float | None = None
    last: Validated = field(default_factory=Validated)
    live: dict[str, None] = field(default_factory=dict)
    """Slots with a seed, as its events tell."""
    fossils: dict[str, None] = field(default_factory=dict)
    """Slots whose seed fossilized."""
    passing: dict[str, None] = field(default_factory=dict)
    """Slots of the network validated last whose seed is not to stay."""
    apart: set[str] = field(default_factory=set)
    """Slots of it that were told to have no share in the output."""
    germinated: int = 0
    fossilized: int = 0
    fossil_params: int | None = 0
    """None once the size of one was not told."""
    factorial: Factorial | None = None
    is_whole: bool = False
    """Once it is over: whether what is kept is known to be all that was trained."""
    ablated: float | None = None
    """Once it is over: the accuracy of what is kept, if the last factorial measured it."""

    def validated(self, told: EpochCompleted, epoch: int | None) -> None:
        """An epoch; what its slots hold, else what the events of seeds say, is the network that it is of."""
        sizes = told.host_params, told.total_seed_params, told.total_params, told.fossilized_params
        self.looks, self.last = self.looks + 1, Validated(epoch, bool(told.slots), *sizes)
        accuracy = math.nan if told.val_accuracy is None else float(told.val_accuracy)
        if math.isfinite(accuracy) and (self.peak is None or accuracy > self.peak):
            self.peak = accuracy
        self.apart = {slot.slot for slot in told.slots if slot.alpha == 0}
        held = {slot.slot: slot.stage for slot in told.slots if slot.stage not in EMPTY_STAGES}
        self.fossils |= {slot: None for slot, stage in held.items() if stage == "FOSSILIZED"}
        self.passing = dict.fromkeys(slot for slot in (held if told.slots else self.live) if slot not in self.fossils)

    def measured(self, told: CounterfactualMeasured, epoch: int | None) -> None:
        """A factorial; an epoch's replaces that of the one before."""
        accuracy = {tuple(row.config): _float(row.val_accuracy) for row in told.results}
        self.factorial = Factorial(epoch, tuple(told.slots), accuracy)

    def lived(self, seed: SeedGerminated | SeedFossilized | SeedCulled) -> None:
        """A seed began or ended."""
        if isinstance(seed, SeedGerminated):
            self.germinated += 1
            self.live[seed.slot] = None
            return
        self.live.pop(seed.slot, None)
        if isinstance(seed, SeedFossilized):
            known, added = self.fossil_params, seed.params_added
            self.fossilized += 1
            self.fossil_params = None if known is None or added is None else known + int(added)
            self.fossils[seed.slot] = None
            self.passing.pop(seed.slot, None)
        elif seed.initiator == "episode_end":
            self.passing[seed.slot] = None

    def ended(self, end: EpisodeEnded, host: int | None) -> Outcome:
        """What it came to, with the size of its host where no epoch told it.

        That no slot and no seed was told does not mean that there was none: then all seeds must have been told.
        """
        if not self.is_over:
            self._settle(end)
        host = host if self.last.host_params is None else self.last.host_params
        final, kept = end.final_growth_ratio, end.growth_ratio
        final = growth_ratio(host, self.last.seeds(host)) if final is None else final
        kept = growth_ratio(host, self._fossil_params(end)) if kept is None else kept
        found = end.final_accuracy if self.is_whole else self.ablated
        accuracy = found if end.kept_accuracy is None else end.kept_accuracy
        return Outcome(
            epochs=end.epochs,
            looks=self.looks,
            final_accuracy=_float(end.final_accuracy),
            final_growth_ratio=kept if self.is_whole and final is None else final,
            kept_accuracy=_float(accuracy),
            kept_growth_ratio=final if self.is_whole and kept is None else kept,
            peak_accuracy=self.peak,
        )

    def _settle(self, end: EpisodeEnded) -> None:
        """Work out what is kept, and let go what only that needed."""
        is_known = self.last.told_slots or self.germinated == end.germinated
        self.is_whole = is_known and not self.passing and (self.last.told_slots or not self.live)
        self.ablated = self._without_passing() if is_known else None
        self.is_open = self.is_over = True
        self.factorial, self.live, self.passing, self.apart = None, {}, {}, set()

    def _without_passing(self) -> float | None:
        """Accuracy with exactly the fossilized seeds on, if the factorial of the last epoch has it.

        A seed that it does not switch, and that has a share in the output, is in all that it measured.
        """
        found = self.factorial
        if found is None or found.epoch is None or found.epoch != self.last.epoch:
            return None
        if any(slot not in found.slots and slot not in self.apart for slot in self.passing):
            return None
        return found.accuracy.get(tuple(slot in self.fossils for slot in found.slots))

    def _fossil_params(self, end: EpisodeEnded) -> int | None:
        """Parameters that stay: as the seeds told when they fossilized, else as the last epoch did."""
        told = (self.fossilized or None) if end.fossilized is None else end.fossilized
        return self.fossil_params if self.fossilized == told else self.last.fossilized_params


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)
