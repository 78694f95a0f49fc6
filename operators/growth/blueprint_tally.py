"""What is known of one blueprint: how many of its seeds lived and how they ended, and what they brought."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from nissa.events.event import Env
from nissa.events.kinds import BlueprintSummarized, SeedCulled, SeedFossilized
from nissa.operators.growth.seed_lives import Life
from nissa.operators.statistics import Clustered, Moments

__all__ = ["MAX_EPISODES", "BlueprintTally", "fossilization_rate", "is_late", "summarized"]

MAX_EPISODES = 4096
"""The most episodes that count as the last quarter."""


def fossilization_rate(fossilized: int, culled: int) -> float | None:
    """Share of ended seeds that fossilized, in percent; None before the first one ended.

    >>> fossilization_rate(14, 8), fossilization_rate(0, 0)
    (63.63636363636363, None)
    """
    ended = fossilized + culled
    return fossilized / ended * 100 if ended else None


def is_late(episode: int, episodes: int) -> bool:
    """Whether an episode, numbered from 0, is in the last quarter of so many.

    >>> [episode for episode in range(5) if is_late(episode, 5)]
    [3, 4]
    """
    return 4 * (episode + 1) > 3 * episodes


@dataclass(slots=True)
class BlueprintTally:
    """One blueprint in one group of one run. Differences of accuracies are in percentage points."""

    germinated: int = 0
    fossilized: int = 0
    culled: int = 0
    cut_off: int = 0
    never_mixed: int = 0
    acc_delta: Moments = field(default_factory=Moments)
    churn: Moments = field(default_factory=Moments)
    lifespan: Moments = field(default_factory=Moments)
    net_gain: Clustered = field(default_factory=Clustered)
    """By environment, as the next two."""
    ablation: Clustered = field(default_factory=Clustered)
    cull_drop: Clustered = field(default_factory=Clustered)
    germinated_in: Counter[int] = field(default_factory=Counter)
    """By episode, of the last quarter alone."""
    fossilized_in: Counter[int] = field(default_factory=Counter)

    def germinate(self, late: int | None) -> None:
        """A seed began; in which episode, if in a late one."""
        self.germinated += 1
        if late is not None:
            self.germinated_in[late] += 1

    def end(self, env: Env | None, late: int | None, seed: SeedFossilized | SeedCulled, life: Life) -> None:
        """A seed ended; what it gained beyond the twin comes apart, when that is known."""
        if seed.epochs_total is not None:
            self.lifespan.add(seed.epochs_total)
        if isinstance(seed, SeedCulled):
            self._cull(env, seed, life)
        else:
            self.fossilized += 1
            if late is not None:
                self.fossilized_in[late] += 1
        if seed.improvement is not None:
            (self.acc_delta if isinstance(seed, SeedFossilized) else self.churn).add(seed.improvement)
        if life.ablation is not None:
            self.ablation.add(env, life.ablation)

    def trim(self, episodes: int) -> bool:
        """Forget what is not of the last quarter of so many episodes. Returns whether there was any."""
        before = self.late()
        for counts in (self.germinated_in, self.fossilized_in):
            late = sorted(episode for episode in counts if is_late(episode, episodes))[-MAX_EPISODES:]
            for episode in counts.keys() - late:
                del counts[episode]
        return self.late() != before

    def late(self) -> tuple[int, int]:
        """Seeds that germinated in the last quarter, and that fossilized in it."""
        return self.germinated_in.total(), self.fossilized_in.total()

    def merge(self, other: "BlueprintTally") -> "BlueprintTally":
        """The tally of two disjoint streams: counts add exactly, moments to rounding."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        return BlueprintTally(**{name: _merged(*pair) for name, pair in pairs.items()})

    def _cull(self, env: Env | None, seed: SeedCulled, life: Life) -> None:
        self.culled += 1
        self.never_mixed += life.mixed is False
        self.cut_off += seed.initiator == "episode_end"
        if seed.accuracy_before is not None and seed.accuracy_after is not None:
            self.cull_drop.add(env, float(seed.accuracy_before) - float(seed.accuracy_after))


def summarized(group: str | None, blueprint: str, tally: BlueprintTally) -> BlueprintSummarized:
    """The row of a blueprint."""
    gain, ablation, drop = (of.interval() for of in (tally.net_gain, tally.ablation, tally.cull_drop))
    late = tally.late()
    return BlueprintSummarized(
        group=group,
        blueprint=blueprint,
        germinated=tally.germinated,
        fossilized=tally.fossilized,
        culled=tally.culled,
        cut_off=tally.cut_off,
        never_mixed=tally.never_mixed,
        late_germinated=late[0],
        late_fossilized=late[1],
        fossilization_rate=fossilization_rate(tally.fossilized, tally.culled),
        acc_delta_mean=tally.acc_delta.mean,
        acc_delta_std=tally.acc_delta.std,
        churn_mean=tally.churn.mean,
        churn_std=tally.churn.std,
        lifespan_mean=tally.lifespan.mean,
        net_gain_mean=gain.mean,
        net_gain_low=gain.low,
        net_gain_high=gain.high,
        net_gain_n=tally.net_gain.n,
        net_gain_envs=len(tally.net_gain.clusters),
        ablation_mean=ablation.mean,
        ablation_low=ablation.low,
        ablation_high=ablation.high,
        ablation_n=tally.ablation.n,
        ablation_envs=len(tally.ablation.clusters),
        cull_drop_mean=drop.mean,
        cull_drop_low=drop.low,
        cull_drop_high=drop.high,
        cull_drop_n=tally.cull_drop.n,
        cull_drop_envs=len(tally.cull_drop.clusters),
    )


def _merged(left: Any, right: Any) -> Any:
    """Numbers and counts add up; moments know how themselves."""
    together: Callable[[Any], Any] | None = getattr(left, "merge", None)
    return together(right) if together else left + right
