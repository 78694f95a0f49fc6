"""Which way does the validation accuracy go? Improvement, plateau or degradation, told when it changes.

The rolling mean of the last 5 epochs is compared with the one an epoch earlier: up by more than 2 points is an
improvement, down by more than 2 a degradation, less than half a point either way a plateau. In between, the direction
stays what it was.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import EpisodeStarted, EpochCompleted, TrendChanged
from nissa.operators.fold import Fold, Keyed, merge_disjoint

__all__ = ["AccuracyTrend", "TrendLimits", "accuracy_trends", "direction"]


class TrendLimits(NamedTuple):
    """When a change is one."""

    window: int
    """Epochs in the rolling mean."""
    plateau: float
    """Points; less than that either way is a plateau."""
    change: float
    """Points; more than that is an improvement or a degradation."""


@dataclass(slots=True)
class AccuracyTrend:
    """The accuracies of the episode that an environment is in."""

    episode: int | None = None
    recent: deque[float] = field(default_factory=deque)
    trend: str | None = None
    epochs: int = 0


def accuracy_trends(window: int = 5, plateau: float = 0.5, change: float = 2.0) -> Fold[Keyed[AccuracyTrend]]:
    """A `TrendChanged` whenever the accuracy of an environment takes another direction; each episode begins anew.

    An accuracy that is not finite belongs to no mean. Raises ValueError unless `window` is at least 1 epoch and
    0 <= `plateau` <= `change`.
    """
    if window < 1 or not 0 <= plateau <= change:
        raise ValueError(f"need window >= 1 and 0 <= plateau <= change, not {window}, {plateau} and {change}")
    kinds, step = (EpisodeStarted, EpochCompleted), partial(_step, TrendLimits(window, plateau, change))
    return Fold("trends", kinds, lambda: Keyed(AccuracyTrend), step, merge_disjoint)


def direction(change: float, plateau: float, limit: float) -> str | None:
    """What a change of the rolling mean is called; None if it is neither one thing nor the other.

    >>> [direction(points, 0.5, 2.0) for points in (2.5, 0.4, 1.0, -2.5)]
    ['improvement', 'plateau', None, 'degradation']
    """
    if abs(change) > limit:
        return "improvement" if change > 0 else "degradation"
    return "plateau" if abs(change) < plateau else None


def _step(
    limits: TrendLimits, envs: Keyed[AccuracyTrend], event: Event[EpisodeStarted | EpochCompleted]
) -> Iterator[TrendChanged]:
    scope, payload = event.scope, event.payload
    key = scope.run, scope.group, scope.env
    if isinstance(payload, EpisodeStarted) or envs[key].episode != scope.episode:
        envs[key] = AccuracyTrend(scope.episode)
    if isinstance(payload, EpochCompleted) and isfinite(payload.val_accuracy):
        yield from _follow(limits, envs[key], scope, float(payload.val_accuracy))


def _follow(limits: TrendLimits, state: AccuracyTrend, scope: Scope, accuracy: float) -> Iterator[TrendChanged]:
    recent = state.recent
    recent.append(accuracy)
    state.epochs += 1
    if len(recent) <= limits.window:
        return
    # One accuracy more than the window holds: it is in the earlier mean only, as the newest is in the later one only.
    change = (accuracy - recent.popleft()) / limits.window
    trend = direction(change, limits.plateau, limits.change)
    if trend is None or trend == state.trend:
        return
    yield TrendChanged(
        group=scope.group,
        env=scope.env,
        trend=trend,
        before=state.trend,
        epochs=state.epochs - 1 if state.trend else 0,
        change=change,
        mean=sum(recent) / limits.window,
        window=limits.window,
    )
    state.trend, state.epochs = trend, 1
