"""What is told when a step closes: what was noticed, and from time to time how the ranks compare."""

from collections.abc import Iterator, Mapping
from typing import Any

from nissa.events.event import Env, Event
from nissa.events.kinds import Payload
from nissa.events.vocabulary import RANK_DIVERGED, RANK_STRAGGLER
from nissa.operators.alerts import update_alert
from nissa.operators.ranks.job import JobState, Rules, is_waited_for, standing, subject
from nissa.operators.ranks.straggling import STEPS
from nissa.operators.ranks.sums import Between
from nissa.operators.ranks.told import Told
from nissa.operators.ranks.track import Track

__all__ = ["Place", "close_told", "compare", "give_up"]

Place = tuple[str | None, Env | None]
"""Group and environment of a track."""


def close_told(rules: Rules, job: JobState, where: Place, event: Event[Any]) -> Iterator[Payload]:
    """Close the steps for which nobody is waited any more, the first one first."""
    track = job.tracks.items[where]
    while track.first is not None and not is_waited_for(rules, job, track, track.first):
        yield from _close(rules, job, track, where, event)


def give_up(rules: Rules, job: JobState, where: Place, event: Event[Any]) -> Iterator[Payload]:
    """Close the first step, whoever is waited for."""
    track = job.tracks.items[where]
    track.between.timed_out += 1
    yield from _close(rules, job, track, where, event)


def compare(job: JobState, where: Place, *, news: bool = False) -> Iterator[Payload]:
    """Tell what came since the last time, if steps did, or there is other news."""
    track = job.tracks.items[where]
    if track.between.steps or news:
        between, track.between = track.between, Between()
        yield between.compared(job.world_size, *where, standing(job, track))


def _close(rules: Rules, job: JobState, track: Track, where: Place, event: Event[Any]) -> Iterator[Payload]:
    step, told = track.close()
    if track.between.last is not None and track.between.last[:2] != step[:2]:
        # Another epoch.
        yield from compare(job, where)
    track.between.take(step, told)
    track.between.incomplete += len(told) < len(track.at)
    noticed = [*_noticed(track, event, told)]
    yield from noticed
    if noticed or track.between.steps >= rules.every:
        yield from compare(job, where)


def _noticed(track: Track, event: Event[Any], told: Mapping[int, Told]) -> Iterator[Payload]:
    for alert, judged in ((RANK_STRAGGLER, track.slowness.judged), (RANK_DIVERGED, track.diverging.judged)):
        for rank, measure, found in judged(told):
            key = alert, subject(rank, measure)
            yield from update_alert(track.alerts, event.scope, key, found, calm=STEPS)
