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
from nissa.operators.host_twin import HostTwin
from nissa.operators.verdict.course import Course
from nissa.operators.verdict.standing import Standing

__all__ = ["Verdicts", "verdicts"]

Told = Iterator[EpisodeCompared | VerdictReached]


@dataclass(slots=True)
class Verdicts:
    """The groups by run, the twins by environment, and the episodes under way or not long over."""

    groups: Keyed[Standing] = field(default_factory=lambda: Keyed(Standing))
    courses: Keyed[Course] = field(default_factory=lambda: Keyed(Course))
    twins: Keyed[HostTwin] = field(default_factory=lambda: Keyed(HostTwin))
    sizes: HostSizes = field(default_factory=HostSizes)


def verdicts() -> Fold[Verdicts]:
    """An episode beside its twin when it ends, and the verdict on its group then and when one begins.

    An accuracy is compared with that of the twin after as many epochs, and with no other. A twin told afterwards
    compares the last `MAX_RECENT` episodes of its environment anew. An episode that ended twice counts once, as it was
    told last; one that began and never ended is counted, and in no mean.
    """
    host = (RunStarted, EpisodeStarted, EpochCompleted, CounterfactualMeasured, EpisodeEnded)
    seeds = (SeedGerminated, SeedFossilized, SeedCulled)
    return Fold("verdict", (*host, *seeds, HostBaselineEpoch, HostBaselineMeasured), Verdicts, _step, _merge)


def _step(state: Verdicts, event: Event[Any]) -> Told:
    scope, payload = event.scope, event.payload
    if isinstance(payload, RunStarted | EpisodeStarted | HostBaselineMeasured):
        state.sizes.note(scope, payload.host_params)
    if isinstance(payload, HostBaselineEpoch | HostBaselineMeasured):
        state.twins[scope[:3]].note(payload, scope.epoch)
        yield from _compare_anew(state, scope)
    elif isinstance(payload, EpisodeEnded):
        yield from _end(state, scope, payload)
    elif not isinstance(payload, RunStarted):
        yield from _follow(state, scope, payload)


def _follow(state: Verdicts, scope: Scope, payload: Any) -> Told:
    """An episode under way; the first that is told of it opens it, and its start opens it anew."""
    course = state.courses[scope[:4]]
    if isinstance(payload, EpisodeStarted):
        course = state.courses[scope[:4]] = Course(is_open=course.is_open and not course.is_over)
    if not course.is_open:
        course.is_open = True
        group = state.groups[scope[:2]]
        group.unended += 1
        yield group.verdict(scope.group)
    match payload:
        case EpochCompleted():
            course.validated(payload, scope.epoch)
        case CounterfactualMeasured():
            course.measured(payload, scope.epoch)
        case SeedGerminated() | SeedFossilized() | SeedCulled():
            course.lived(payload)


def _end(state: Verdicts, scope: Scope, end: EpisodeEnded) -> Told:
    course, group = state.courses[scope[:4]], state.groups[scope[:2]]
    outcome = course.ended(end, state.sizes.of(scope))
    group.unended -= course.is_open and not course.is_over
    course.is_open = course.is_over = True
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
    row = _beside(told, outcome.looks, state.twins[scope[:3]])
    group.envs[scope.env].enter(scope.episode, outcome.looks, row)
    yield row
    yield group.verdict(scope.group)


def _compare_anew(state: Verdicts, scope: Scope) -> Told:
    """The episodes that ended before their twin was told."""
    group, twin = state.groups[scope[:2]], state.twins[scope[:3]]
    env, changed = group.envs[scope.env], False
    for episode, (looks, before) in list(env.recent.items()):
        row = _beside(before, looks, twin)
        if _twin(row) != _twin(before):
            env.enter(episode, looks, row)
            changed = True
            yield row
    if changed:
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
    return repr((row.twin_final_accuracy, row.twin_peak_accuracy, row.twin_epochs))


def _merge(left: Verdicts, right: Verdicts) -> Verdicts:
    merged = Verdicts(
        courses=merge_disjoint(left.courses, right.courses),
        twins=merge_disjoint(left.twins, right.twins),
        sizes=left.sizes.merge(right.sizes),
    )
    for key in dict.fromkeys((*left.groups.items, *right.groups.items)):
        merged.groups[key] = left.groups.items.get(key, Standing()).merge(right.groups.items.get(key))
    return merged
