"""Who is silent, and which steps are not waited for any more? Asked from time to time, of the time of the events."""

from collections.abc import Iterator
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import Payload
from nissa.events.vocabulary import RANK_SILENT
from nissa.operators.alerts import Finding, update_alert
from nissa.operators.ranks.closing import close_told, compare, give_up
from nissa.operators.ranks.job import JobState, Rules, subject

__all__ = ["look_round", "spoke"]

_ROUND = 1.0
"""Seconds between two looks."""


def look_round(rules: Rules, job: JobState, event: Event[Any]) -> Iterator[Payload]:
    """What time alone brings about, if it is time to look."""
    if job.heard - job.looked < _ROUND:
        return
    job.looked = job.heard
    noticed = [*_silent(rules, job, event)]
    yield from noticed
    for where in list(job.tracks.items):
        track = job.tracks.items[where]
        yield from close_told(rules, job, where, event)
        while track.first is not None and job.heard - track.since[track.first] > rules.silence:
            yield from give_up(rules, job, where, event)
        if noticed:
            yield from compare(job, where, news=True)


def spoke(job: JobState, rank: int, event: Event[Any]) -> Iterator[Payload]:
    """A rank is not silent, or not any more."""
    job.ranks[rank].silent = False
    yield from update_alert(job.alerts, event.scope, (RANK_SILENT, subject(rank)), None, calm=1)


def _silent(rules: Rules, job: JobState, event: Event[Any]) -> Iterator[Payload]:
    for rank, life in sorted(job.ranks.items()):
        quiet = job.heard - life.last
        if life.silent and quiet <= rules.silence:
            yield from spoke(job, rank, event)
        elif not life.silent and not life.ended and quiet > rules.silence:
            life.silent = True
            what = f"rank {rank} has told nothing for {quiet:.0f} s, and others have"
            found = Finding(what, quiet, "silent", None, rules.silence)
            yield from update_alert(job.alerts, event.scope, (RANK_SILENT, subject(rank)), found, calm=1)
