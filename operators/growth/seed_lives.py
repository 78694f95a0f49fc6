"""What was a seed's life? From where it germinated to where it ended, out of all that was told in between.

Where on the curve of its network something happened, the last validation says that was told before it: epoch 0 before
the first.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from nissa.events.event import Scope
from nissa.events.kinds import (
    CounterfactualMeasured,
    EpochCompleted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
)
from nissa.operators.attribution import ablations
from nissa.operators.fold import Keyed, merge_disjoint

__all__ = ["Birth", "Life", "Network", "SeedLives"]

MAX_SLOTS = 1000
"""Slots of one network that are remembered; of more, the one heard of first is forgotten."""


class Life(NamedTuple):
    """A life that ended. What was not told is None."""

    blueprint: str
    """As told at its end, else at germination; "unknown" where neither was."""
    change: float | None
    """Validation accuracy at its end minus at germination, in percentage points."""
    start: int | None
    """Epoch after which it germinated."""
    end: int | None
    """Epoch after which it ended."""
    ablation: float | None
    """What switching it off cost when that was last measured, in percentage points."""
    mixed: bool | None
    """Whether it ever had a share in the output; None where no share was told."""


@dataclass(slots=True)
class Network:
    """The network of an episode."""

    epoch: int | None = 0
    """Validated last; None where that was told without its number."""
    accuracy: float | None = None
    """Of that validation."""
    live: dict[str, str] = field(default_factory=dict)
    """Seeds by slot."""
    ablations: dict[str, tuple[str | None, float]] = field(default_factory=dict)
    """By slot: of which seed, if known, and what switching it off costs."""
    mixed: dict[str, bool] = field(default_factory=dict)
    """By seed of which a share in the output was told: whether one was above 0."""

    def shared(self, seed: str | None, alpha: float | None) -> None:
        """Remember whether a seed took part in the output."""
        if seed is not None and alpha is not None and alpha >= 0:
            self.mixed[seed] = self.mixed.get(seed, False) or alpha > 0
            if len(self.mixed) > MAX_SLOTS:
                del self.mixed[next(iter(self.mixed))]

    def measured(self, slot: str, seed: str | None, ablation: float) -> None:
        """Remember what switching off the seed in a slot costs."""
        self.ablations[slot] = seed, float(ablation)
        if len(self.ablations) > MAX_SLOTS:
            del self.ablations[next(iter(self.ablations))]

    def begin(self, slot: str, seed: str) -> None:
        """A seed is in a slot; what was measured of the one before is not of it."""
        self.live[slot] = seed
        self.ablations.pop(slot, None)
        self.mixed.pop(seed, None)
        if len(self.live) > MAX_SLOTS:
            del self.live[next(iter(self.live))]

    def ablation(self, slot: str, seed: str | None) -> float | None:
        """What was last measured of a seed that ends in a slot."""
        of, ablation = self.ablations.pop(slot, (None, None))
        return ablation if None in (of, seed) or of == seed else None


@dataclass(slots=True)
class Birth:
    """Where a seed came from; all None if it was not told."""

    blueprint: str | None = None
    network: Network | None = None
    epoch: int | None = None
    accuracy: float | None = None


@dataclass(slots=True)
class SeedLives:
    """The networks of episodes, and the seeds that germinated in them and have not ended."""

    networks: Keyed[Network] = field(default_factory=lambda: Keyed(Network))
    births: Keyed[Birth] = field(default_factory=lambda: Keyed(Birth))

    def start(self, scope: Scope) -> None:
        """An episode has a new network."""
        self.networks[scope[:4]] = Network()

    def validated(self, scope: Scope, epoch: EpochCompleted) -> None:
        """Take in where the network stands, and what its slots say."""
        network = self.networks[scope[:4]]
        network.epoch = scope.epoch
        network.accuracy = None if epoch.val_accuracy is None else float(epoch.val_accuracy)
        for slot in epoch.slots:
            network.shared(slot.seed or network.live.get(slot.slot), slot.alpha)
            if slot.counterfactual_contribution is not None:
                network.measured(slot.slot, slot.seed or network.live.get(slot.slot), slot.counterfactual_contribution)

    def ablated(self, scope: Scope, measured: CounterfactualMeasured) -> None:
        """Take in what switching off each seed costs."""
        network = self.networks[scope[:4]]
        for slot, ablation in ablations(measured).items():
            network.measured(slot, network.live.get(slot), ablation)

    def staged(self, scope: Scope, change: StageChanged) -> None:
        """Take in the share that a seed has in its new stage."""
        network = self.networks[scope[:4]]
        network.shared(change.seed or network.live.get(change.slot), change.alpha)

    def germinated(self, scope: Scope, seed: SeedGerminated) -> None:
        """A life begins."""
        network = self.networks[scope[:4]]
        network.begin(seed.slot, seed.seed)
        self.births[*scope[:3], seed.seed] = Birth(seed.blueprint, network, network.epoch, network.accuracy)

    def ended(self, scope: Scope, seed: SeedFossilized | SeedCulled) -> Life:
        """A life is over. One whose seed is not named is that of the seed in its slot."""
        network = self.networks[scope[:4]]
        name = network.live.get(seed.slot) if seed.seed is None else seed.seed
        birth = self.births.items.pop((*scope[:3], name), Birth())
        if network.live.get(seed.slot) == name:
            network.live.pop(seed.slot, None)
        measured = network.ablation(seed.slot, name)
        here = birth.network is network
        change = seed.improvement
        if change is None and here and birth.accuracy is not None and network.accuracy is not None:
            change = network.accuracy - birth.accuracy
        trained = network.epoch != 0 or network.accuracy is not None or seed.epochs_total == 0
        return Life(
            blueprint=seed.blueprint or birth.blueprint or "unknown",
            change=None if change is None else float(change),
            start=birth.epoch if here else None,
            end=network.epoch if trained else None,
            ablation=measured if seed.ablation is None else float(seed.ablation),
            mixed=_is_told(seed) or network.mixed.pop(name or "", None),
        )

    def merge(self, other: "SeedLives") -> "SeedLives":
        """The lives of two parts of a stream, each environment whole in one of them."""
        return SeedLives(merge_disjoint(self.networks, other.networks), merge_disjoint(self.births, other.births))


def _is_told(end: SeedFossilized | SeedCulled) -> bool:
    """Whether its end says itself that it took part: it stays, or was mixed in when it went."""
    return isinstance(end, SeedFossilized) or end.accuracy_before is not None
