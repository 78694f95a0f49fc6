"""The questions of the research, answered whenever an episode was compared with its twin."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Env, Event, Scope, natural_order
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    AnalyticsUpdated,
    DecisionMade,
    EpisodeCompared,
    EpisodeEnded,
    EpisodeStarted,
    EpochAssessed,
    EpochCompleted,
    HostAloneTrained,
    HostBaselineEpoch,
    HostBaselineMeasured,
    SeedsAttributed,
    VerdictReached,
)
from nissa.operators.analytics.arms import beside
from nissa.operators.analytics.course import Course
from nissa.operators.analytics.record import Record
from nissa.operators.analytics.report import Told, reported
from nissa.operators.fold import EnvKey, Fold, Keyed, merge_disjoint
from nissa.operators.host_twin import HostTwins

__all__ = ["Analytics", "growth_analytics"]


@dataclass(slots=True)
class Analytics:
    """The environments, their twins, and by group which of them have news."""

    envs: Keyed[Record] = field(default_factory=lambda: Keyed(Record))
    twins: HostTwins = field(default_factory=HostTwins)
    news: Keyed[dict[Env | None, None]] = field(default_factory=lambda: Keyed(dict))

    def of(self, run: str, group: str | None) -> Told:
        """The environments of a group, in the order of their names, and the twins."""
        keys = sorted(
            (key for key in self.envs.items if key[:2] == (run, group)), key=lambda key: natural_order(key[2])
        )
        return [(self.envs.items[key], self.twins.of(Scope(*key))) for key in keys]


def growth_analytics() -> Fold[Analytics]:
    """A row of each environment whose episodes were compared anew, and one of its group, behind its verdict.

    What follows a decision counts where the twin was told before the episode ended.
    """
    episode = (EpisodeStarted, EpochCompleted, DecisionMade, SeedsAttributed, EpochAssessed, EpisodeEnded)
    alone = (HostBaselineEpoch, HostBaselineMeasured, HostAloneTrained)
    found = (AlertRaised, AlertResolved, EpisodeCompared, VerdictReached)
    return Fold("analytics", (*episode, *alone, *found), Analytics, _step, _merge)


def _step(state: Analytics, event: Event[Any]) -> Iterator[AnalyticsUpdated]:
    scope, payload = event.scope, event.payload
    match payload:
        case VerdictReached():
            yield from _tell(state, scope.run, payload)
        case EpisodeCompared():
            state.envs[scope.run, payload.group, payload.env].compared(payload)
            state.news[scope.run, payload.group][payload.env] = None
        case AlertResolved():
            state.envs[scope.run, payload.group, payload.env].health.standing -= 1
        case HostBaselineEpoch():
            state.twins.note(scope, payload)
        case HostBaselineMeasured():
            state.twins.note(scope, payload)
            state.envs[scope[:3]].alone(payload)
        case _:
            _follow(state, scope, payload)


def _follow(state: Analytics, scope: Scope, payload: Any) -> None:
    """What happens in an environment."""
    record = state.envs[scope[:3]]
    match payload:
        case EpisodeStarted():
            record.course = Course()
        case EpochCompleted():
            record.course.validated(payload, scope.epoch)
        case SeedsAttributed():
            record.course.attributed = scope.epoch, payload
        case DecisionMade():
            record.ops[payload.action.op] += 1
            record.course.decided(payload, scope.epoch)
        case EpochAssessed():
            record.health.assess(payload)
        case AlertRaised():
            record.health.alerts[payload.alert] += 1
            record.health.standing += 1
        case HostAloneTrained():
            record.alone(payload)
        case EpisodeEnded():
            record.end(scope.episode, state.twins.of(scope))


def _tell(state: Analytics, run: str, verdict: VerdictReached) -> Iterator[AnalyticsUpdated]:
    """What begins changes no figure: a verdict without a comparison is no news."""
    news = state.news.items.pop((run, verdict.group), None)
    if not news:
        return
    for env in news:
        key: EnvKey = run, verdict.group, env
        record = state.envs[key]
        if record.verdict:
            yield reported([(record, state.twins.of(Scope(*key)))], record.verdict, env)
    told = state.of(run, verdict.group)
    others = dict.fromkeys(group for of, group, _ in state.envs.items if of == run and group != verdict.group)
    arms = beside(told, {group: state.of(run, group) for group in sorted(others, key=natural_order)})
    yield reported(told, verdict, None, arms)


def _merge(left: Analytics, right: Analytics) -> Analytics:
    merged = Analytics(merge_disjoint(left.envs, right.envs), left.twins.merge(right.twins))
    for key in dict.fromkeys((*left.news.items, *right.news.items)):
        merged.news[key] = left.news.items.get(key, {}) | right.news.items.get(key, {})
    return merged
