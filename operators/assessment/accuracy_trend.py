"""Which way does the validation accuracy go? Improvement, plateau or degradation, told when it changes.

The rolling mean of the last 5 epochs is compared with where it was when it last moved or came to rest: up by more than
2 points is an improvement, down by more than 2 a degradation, however slowly. It is a plateau once the mean has not
moved for 5 epochs, and is within half a point of where it was 5 epochs earlier. In between, the direction stays what it
was. Where three standard errors of the difference are more than 2 points, they take their place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from nissa.events.event import Event, Scope
from nissa.events.kinds import EpisodeStarted, EpochCompleted, TrendChanged
from nissa.operators.assessment.accuracy_course import AccuracyCourse, AccuracyLimits
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.statistics import FALL, RISE, STILL, Course, Direction, place

__all__ = ["AccuracyTrend", "accuracy_trends"]

_TRENDS: dict[Direction, str] = {RISE: "improvement", STILL: "plateau", FALL: "degradation"}


@dataclass(slots=True)
class AccuracyTrend:
    """The accuracies of the episode that an environment is in."""

    episode: int | None = None
    accuracy: AccuracyCourse = field(default_factory=AccuracyCourse)
    epoch: int | None = None
    """Epoch told last."""
    turned: int = 0
    """Epoch in which the direction was told."""


def accuracy_trends(window: int = 5, plateau: float = 0.5, change: float = 2.0) -> Fold[Keyed[AccuracyTrend]]:
    """A `TrendChanged` whenever the accuracy of an environment takes another direction; each episode begins anew.

    An accuracy that is not finite belongs to no mean. Raises ValueError unless `window` is at least 1 epoch and
    0 <= `plateau` <= `change`.
    """
    if window < 1 or not 0 <= plateau <= change:
        raise ValueError(f"need window >= 1 and 0 <= plateau <= change, not {window}, {plateau} and {change}")
    kinds, step = (EpisodeStarted, EpochCompleted), partial(_step, AccuracyLimits(window, plateau, change))
    return Fold("trends", kinds, lambda: Keyed(AccuracyTrend), step, merge_disjoint)


def _step(
    limits: AccuracyLimits, envs: Keyed[AccuracyTrend], event: Event[EpisodeStarted | EpochCompleted]
) -> Iterator[TrendChanged]:
    scope, payload = event.scope, event.payload
    key = scope.run, scope.group, scope.env
    if isinstance(payload, EpisodeStarted) or key not in envs.items or envs[key].episode != scope.episode:
        envs[key] = AccuracyTrend(scope.episode, AccuracyCourse(limits, Course(limits.window)))
    if isinstance(payload, EpochCompleted):
        yield from _follow(envs[key], scope, payload)


def _follow(state: AccuracyTrend, scope: Scope, epoch: EpochCompleted) -> Iterator[TrendChanged]:
    state.epoch, course = place(state.epoch, scope.epoch), state.accuracy.course
    before, change = course.direction, state.accuracy.add(state.epoch, epoch)
    if change is None or course.direction is None:
        return
    yield TrendChanged(
        group=scope.group,
        env=scope.env,
        trend=_TRENDS[course.direction],
        before=_TRENDS[before] if before else None,
        epochs=state.epoch - state.turned if before else 0,
        change=change,
        mean=course.mean.value,
        window=course.window,
    )
    state.turned = state.epoch
