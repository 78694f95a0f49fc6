"""Which blueprints work? Seeds germinated, fossilized and culled by group and blueprint, and what they brought.

A seed lives while its host learns, so how far the accuracy rose meanwhile says little of it. Its net gain leaves out
what the host-only twin gained over the same epochs: all that training with it, and whatever else the episode had,
brought beyond the host alone. Its ablation is what the trained network would miss without it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    BlueprintSummarized,
    CounterfactualMeasured,
    EpisodeStarted,
    EpochCompleted,
    HostBaselineEpoch,
    HostBaselineMeasured,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    StageChanged,
)
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.growth.blueprint_tally import BlueprintTally, is_late, summarized
from nissa.operators.growth.seed_lives import Life, SeedLives
from nissa.operators.host_twin import HostTwins

__all__ = ["BlueprintGroup", "Blueprints", "Pending", "blueprint_stats"]

MAX_PENDING = 100
"""Seeds of one environment that may wait for its twin; of more, the first is not counted."""


class Pending(NamedTuple):
    """A seed whose change of accuracy is known, and what the twin gained meanwhile is not yet."""

    episode: int | None
    blueprint: str
    change: float
    start: int
    end: int


@dataclass(slots=True)
class BlueprintGroup:
    """The blueprints of a group in a run, by name."""

    tallies: Keyed[BlueprintTally] = field(default_factory=lambda: Keyed(BlueprintTally, limit=1000))
    episodes: int = 0
    """The run's, as planned, or as were seen to begin where that is more."""

    def late(self, episode: int | None) -> int | None:
        """An episode if it is in the last quarter of them, otherwise None."""
        return episode if episode is not None and is_late(episode, self.episodes) else None

    def merge(self, other: "BlueprintGroup | None") -> "BlueprintGroup":
        """The same of both parts of a stream."""
        parts = [self, other or BlueprintGroup()]
        whole = BlueprintGroup(episodes=max(part.episodes for part in parts))
        for name in dict.fromkeys(name for part in parts for name in part.tallies.items):
            left, right = (part.tallies.items.get(name, BlueprintTally()) for part in parts)
            whole.tallies[name] = left.merge(right)
            whole.tallies[name].trim(whole.episodes)
        return whole


@dataclass(slots=True)
class Blueprints:
    """The groups, the seeds, the twins, and by environment what waits for a twin."""

    groups: Keyed[BlueprintGroup] = field(default_factory=lambda: Keyed(BlueprintGroup))
    planned: Keyed[int] = field(default_factory=lambda: Keyed(int))
    lives: SeedLives = field(default_factory=SeedLives)
    twins: HostTwins = field(default_factory=HostTwins)
    pending: Keyed[list[Pending]] = field(default_factory=lambda: Keyed(list))


def blueprint_stats() -> Fold[Blueprints]:
    """An updated row for each seed that germinates or ends, by group and blueprint, and where something told later
    changes it: a new episode what the last quarter is, a twin what seeds gained beyond it.

    A cull or fossilization that names no blueprint counts under that of the same seed's germination, and under
    "unknown" only where none was told. Every seed that ended counts in the means that its events fill, one that the end
    of an episode cut off too: it lived and was measured, though nobody judged it. An improvement that was not told
    leaves the documents' means alone; the net gain takes the accuracies of the epochs in its place.
    """
    host = (RunStarted, EpisodeStarted, EpochCompleted, CounterfactualMeasured, HostBaselineEpoch, HostBaselineMeasured)
    seeds = (SeedGerminated, StageChanged, SeedFossilized, SeedCulled)
    return Fold("blueprint_stats", (*host, *seeds), Blueprints, _step, _merge)


def _step(state: Blueprints, event: Event[Any]) -> Iterator[BlueprintSummarized]:
    scope, payload = event.scope, event.payload
    if isinstance(payload, RunStarted):
        state.planned[scope[:2]] = int(payload.n_episodes or 0)
        return
    group = state.groups[scope[:2]]
    if isinstance(payload, HostBaselineEpoch | HostBaselineMeasured):
        state.twins.note(scope, payload)
        changed = _settle(state, scope, group)
    else:
        changed = dict.fromkeys((*_reach(state, scope, group), *_live(state, event, group)))
    for blueprint in changed:
        yield summarized(scope.group, blueprint, group.tallies[blueprint])


def _live(state: Blueprints, event: Event[Any], group: BlueprintGroup) -> Iterable[str]:
    """Take in what happens in an episode; the blueprints whose rows it changes."""
    scope, lives = event.scope, state.lives
    match event.payload:
        case EpisodeStarted():
            lives.start(scope)
        case EpochCompleted() as epoch:
            lives.validated(scope, epoch)
        case CounterfactualMeasured() as measured:
            lives.ablated(scope, measured)
        case StageChanged() as change:
            lives.staged(scope, change)
        case SeedGerminated() as seed:
            lives.germinated(scope, seed)
            group.tallies[seed.blueprint or "unknown"].germinate(group.late(scope.episode))
            return [seed.blueprint or "unknown"]
        case SeedFossilized() | SeedCulled() as seed:
            life = lives.ended(scope, seed)
            group.tallies[life.blueprint].end(scope.env, group.late(scope.episode), seed, life)
            _await(state, scope, life, group)
            return [life.blueprint]
    return []


def _await(state: Blueprints, scope: Scope, life: Life, group: BlueprintGroup) -> None:
    """Count what a seed gained beyond the twin, or let it wait for that, if all else is known of it."""
    if life.change is not None and life.start is not None and life.end is not None:
        seed = Pending(scope.episode, life.blueprint, life.change, life.start, life.end)
        if not _count(state, scope, seed, group):
            pending = state.pending[scope[:3]]
            pending.append(seed)
            del pending[:-MAX_PENDING]


def _settle(state: Blueprints, scope: Scope, group: BlueprintGroup) -> dict[str, None]:
    """Count the seeds of an environment for which the twin was told by now; their blueprints."""
    waiting = state.pending[scope[:3]]
    counted = [_count(state, scope._replace(episode=seed.episode), seed, group) for seed in waiting]
    changed = {seed.blueprint: None for seed, done in zip(waiting, counted, strict=True) if done}
    waiting[:] = [seed for seed, done in zip(waiting, counted, strict=True) if not done]
    return changed


def _count(state: Blueprints, scope: Scope, seed: Pending, group: BlueprintGroup) -> bool:
    """Count the net gain of a seed of an episode, if its twin was told at both ends of its life; whether it was."""
    share = state.twins.of(scope).gained(seed.start, seed.end)
    if share is not None:
        group.tallies[seed.blueprint].net_gain.add(scope.env, seed.change - share)
    return share is not None


def _reach(state: Blueprints, scope: Scope, group: BlueprintGroup) -> list[str]:
    """Note how many episodes there are; the blueprints for which that changes what is of the last quarter."""
    if scope.episode is None or scope.episode < group.episodes:
        return []
    planned = (state.planned.items.get(key, 0) for key in (scope[:2], (scope.run, None)))
    group.episodes = max(scope.episode + 1, *planned)
    return [name for name, tally in group.tallies.items.items() if tally.trim(group.episodes)]


def _merge(left: Blueprints, right: Blueprints) -> Blueprints:
    merged = Blueprints(lives=left.lives.merge(right.lives), twins=left.twins.merge(right.twins))
    for name in ("planned", "pending"):
        setattr(merged, name, merge_disjoint(getattr(left, name), getattr(right, name)))
    for key in dict.fromkeys((*left.groups.items, *right.groups.items)):
        merged.groups[key] = left.groups.items.get(key, BlueprintGroup()).merge(right.groups.items.get(key))
    return merged
