"""Is growing winning? Kept and final accuracy against the host trained alone, with what each network costs."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    CounterfactualMeasured,
    EpisodeCompared,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    HostBaselineEpoch,
    HostBaselineMeasured,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
    VerdictReached,
)
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.growth import HostSizes
from nissa.operators.host_twin import HostTwin, HostTwins
from nissa.operators.verdict.episode_so_far import EpisodeSoFar
from nissa.operators.verdict.standing import Standing

__all__ = ["Verdicts", "verdicts"]

Told = Iterator[EpisodeCompared | VerdictReached]


@dataclass(slots=True)
class Verdicts:
    """The groups by run, the twins, and the episodes under way or not long over."""

    groups: Keyed[Standing] = field(default_factory=lambda: Keyed(Standing))
    episodes: Keyed[EpisodeSoFar] = field(default_factory=lambda: Keyed(EpisodeSoFar))
    twins: HostTwins = field(default_factory=HostTwins)
    sizes: HostSizes = field(default_factory=HostSizes)


def verdicts() -> Fold[Verdicts]:
    """An episode beside its twin when it ends, and the verdict on its group then and when one begins.

    An accuracy is compared with that of the twin after as many epochs, and with no other. A twin told afterwards
    compares those of its last `MAX_RECENT` episodes anew for which it has news; the row told last of an environment is
    that of the episode that ended last, so it is told again behind older ones. An episode that ended twice counts once,
    as it was told last; one that began and never ended is counted, and in no mean.
    """
    host = (RunStarted, EpisodeStarted, EpochCompleted, CounterfactualMeasured, EpisodeEnded)
    seeds = (SeedGerminated, SeedFossilized, SeedCulled)
    return Fold("verdict", (*host, *seeds, HostBaselineEpoch, HostBaselineMeasured), Verdicts, _step, _merge)


def _step(state: Verdicts, event: Event[Any]) -> Told:
    scope, payload = event.scope, event.payload
    if isinstance(payload, RunStarted | EpisodeStarted | HostBaselineMeasured):
        state.sizes.note(scope, payload.host_params)
    if isinstance(payload, HostBaselineEpoch | HostBaselineMeasured):
        state.twins.note(scope, payload)
        yield from _compare_anew(state, scope, payload)
    elif isinstance(payload, EpisodeEnded):
        yield from _end(state, scope, payload)
    elif not isinstance(payload, RunStarted):
        yield from _follow(state, scope, payload)


def _follow(state: Verdicts, scope: Scope, payload: Any) -> Told:
    """An episode under way; the first that is told of it opens it, and its start opens it anew."""
    episode = state.episodes[scope[:4]]
    if isinstance(payload, EpisodeStarted):
        episode = state.episodes[scope[:4]] = EpisodeSoFar(is_open=episode.is_open and not episode.is_over)
    if not episode.is_open:
        episode.is_open = True
        yield state.groups[scope[:2]].begun(scope.group)
    match payload:
        case EpochCompleted():
            episode.validated(payload, scope.epoch)
        case CounterfactualMeasured():
            episode.measured(payload, scope.epoch)
        case SeedGerminated() | SeedFossilized() | SeedCulled():
            episode.lived(payload)


def _end(state: Verdicts, scope: Scope, end: EpisodeEnded) -> Told:
    episode, group = state.episodes[scope[:4]], state.groups[scope[:2]]
    group.unended -= episode.is_open and not episode.is_over
    outcome = episode.ended(end, state.sizes.of(scope))
    told = EpisodeCompared(
        group=scope.group,
        env=scope.env,
        episode=scope.episode,
        epochs=outcome.epochs,
        final_accuracy=outcome.final_accuracy,
        final_growth_ratio=outcome.final_growth_ratio,
        kept_accuracy=outcome.kept_accuracy,
        kept_growth_ratio=outcome.kept_growth_ratio,
        peak_accuracy=outcome.peak_accuracy,
    )
    row = _beside(told, outcome.looks, state.twins.of(scope))
    group.envs[scope.env].enter(scope.episode, outcome.looks, row)
    yield row
    yield group.verdict(scope.group)


def _compare_anew(state: Verdicts, scope: Scope, told: HostBaselineEpoch | HostBaselineMeasured) -> Told:
    """The episodes that ended before their twin was told; an epoch of it is news to those of just its length."""
    group, news = state.groups[scope[:2]], dict[int | None, tuple[int, EpisodeCompared]]()
    env, is_whole = group.envs[scope.env], isinstance(told, HostBaselineMeasured)
    for episode, (looks, before) in env.recent.items():
        if scope.episode in (None, episode) and (is_whole or before.epochs == scope.epoch):
            row = _beside(before, looks, state.twins.of(scope._replace(episode=episode)))
            if _twin(row) != _twin(before):
                news[episode] = looks, row
    if news:
        env.tell_anew(news)
        last = next(reversed(env.recent))
        for _, row in [*(news[episode] for episode in news if episode != last), env.recent[last]]:
            yield row
        yield group.verdict(scope.group)


def _beside(row: EpisodeCompared, looks: int, twin: HostTwin) -> EpisodeCompared:
    return replace(
        row,
        twin_final_accuracy=twin.at(row.epochs),
        twin_peak_accuracy=twin.peak(row.epochs, looks or None),
        twin_epochs=twin.epochs,
    )


def _twin(row: EpisodeCompared) -> str:
    """What it is compared with, as text, in which NaN equals itself."""
    return repr((row.twin_final_accuracy, row.twin_peak_accuracy))


def _merge(left: Verdicts, right: Verdicts) -> Verdicts:
    merged = Verdicts(
        episodes=merge_disjoint(left.episodes, right.episodes),
        twins=left.twins.merge(right.twins),
        sizes=left.sizes.merge(right.sizes),
    )
    for key in dict.fromkeys((*left.groups.items, *right.groups.items)):
        merged.groups[key] = left.groups.items.get(key, Standing()).merge(right.groups.items.get(key))
    return merged
