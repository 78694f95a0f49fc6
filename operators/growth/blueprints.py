"""Which blueprints work? Seeds germinated, fossilized and culled by group and blueprint, and what they brought."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from nissa.events.event import Event
from nissa.events.kinds import BlueprintSummarized, SeedCulled, SeedFossilized, SeedGerminated
from nissa.operators.fold import Fold, Keyed
from nissa.operators.statistics import Moments

__all__ = ["BlueprintTally", "blueprint_stats", "fossilization_rate"]

Ended = SeedGerminated | SeedFossilized | SeedCulled


@dataclass(slots=True)
class BlueprintTally:
    """What is known of one blueprint in one group of one run."""

    germinated: int = 0
    fossilized: int = 0
    culled: int = 0
    acc_delta: Moments = field(default_factory=Moments)
    churn: Moments = field(default_factory=Moments)
    lifespan: Moments = field(default_factory=Moments)

    def merge(self, other: "BlueprintTally") -> "BlueprintTally":
        """The tally of two disjoint streams: counts add exactly, moments to rounding."""
        return BlueprintTally(
            self.germinated + other.germinated,
            self.fossilized + other.fossilized,
            self.culled + other.culled,
            self.acc_delta.merge(other.acc_delta),
            self.churn.merge(other.churn),
            self.lifespan.merge(other.lifespan),
        )


def fossilization_rate(fossilized: int, culled: int) -> float | None:
    """Share of ended seeds that fossilized, in percent; None before the first one ended.

    >>> fossilization_rate(14, 8), fossilization_rate(0, 0)
    (63.63636363636363, None)
    """
    ended = fossilized + culled
    return fossilized / ended * 100 if ended else None


def blueprint_stats() -> Fold[Keyed[BlueprintTally]]:
    """An updated row for each seed that germinates or ends, by group and blueprint.

    A seed without a blueprint counts under "unknown". An improvement that was not measured counts the seed and
    leaves the means alone.
    """
    kinds = (SeedGerminated, SeedFossilized, SeedCulled)
    return Fold("blueprint_stats", kinds, lambda: Keyed(BlueprintTally), _step, _merge)


def _step(tallies: Keyed[BlueprintTally], event: Event[Ended]) -> Iterator[BlueprintSummarized]:
    blueprint = event.payload.blueprint or "unknown"
    tally = tallies[event.scope.run, event.scope.group, blueprint]
    _count(tally, event.payload)
    yield _row(event.scope.group, blueprint, tally)


def _count(tally: BlueprintTally, seed: Ended) -> None:
    if isinstance(seed, SeedGerminated):
        tally.germinated += 1
        return
    tally.lifespan.add(seed.epochs_total)
    if isinstance(seed, SeedFossilized):
        tally.fossilized += 1
    else:
        tally.culled += 1
    if seed.improvement is not None:
        (tally.acc_delta if isinstance(seed, SeedFossilized) else tally.churn).add(seed.improvement)


def _row(group: str | None, blueprint: str, tally: BlueprintTally) -> BlueprintSummarized:
    return BlueprintSummarized(
        group=group,
        blueprint=blueprint,
        germinated=tally.germinated,
        fossilized=tally.fossilized,
        culled=tally.culled,
        cut_off=0,
        late_germinated=0,
        late_fossilized=0,
        fossilization_rate=fossilization_rate(tally.fossilized, tally.culled),
        acc_delta_mean=tally.acc_delta.mean,
        acc_delta_std=tally.acc_delta.std,
        churn_mean=tally.churn.mean,
        churn_std=tally.churn.std,
        lifespan_mean=tally.lifespan.mean,
        net_gain_n=0,
        net_gain_envs=0,
        ablation_n=0,
        cull_drop_n=0,
    )


def _merge(left: Keyed[BlueprintTally], right: Keyed[BlueprintTally]) -> Keyed[BlueprintTally]:
    merged = Keyed(BlueprintTally)
    for key in [*left.items, *(key for key in right.items if key not in left.items)]:
        merged.items[key] = left.items.get(key, BlueprintTally()).merge(right.items.get(key, BlueprintTally()))
    return merged
