"""The fold over the events of all ranks of one job. Who runs it puts the job's name in place of the ranks' own.

Nothing of a step that all ranks told depends on the order in which their events arrive, as long as those of each rank
come in theirs: steps close in their order, and sums are made in the order of the ranks. Time is the latest of the
events' own: it only decides how long a rank is waited for, and who is silent.

>>> from nissa.events.event import Scope
>>> told = [Event(0, 0.0, Scope(f"x-rank-{n}"), RunStarted(job="x", rank=n, world_size=2)) for n in (0, 1)]
>>> told += [Event(1, 1.0, Scope(f"x-rank-{n}", None, 0, 0, 1), BatchCompleted(batch=0, loss=n)) for n in (0, 1)]
>>> told += [Event(2, 2.0, Scope(f"x-rank-{n}"), RunEnded(outcome="completed", duration=2.0)) for n in (0, 1)]
>>> fold = compare_ranks()
>>> state = fold.init()
>>> started, compared, ended = [payload for event in told for payload in fold.step(state, event)]
>>> started.job, compared.loss, compared.loss_max_rank, ended.outcome
('x', 0.5, 1, 'completed')
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    BatchCompleted,
    EpochCompleted,
    GradientsMeasured,
    Heartbeat,
    Payload,
    RunEnded,
    RunResumed,
    RunStarted,
    StepTimed,
)
from nissa.operators.alerts import resolve
from nissa.operators.fold import Fold
from nissa.operators.ranks.closing import close_told, compare, give_up
from nissa.operators.ranks.epochs import joint_epoch
from nissa.operators.ranks.job import JobState, RankLife, Rules, is_waited_for
from nissa.operators.ranks.resizing import resize
from nissa.operators.ranks.silence import look_round, spoke
from nissa.operators.ranks.track import MOST, end_of, step_at

__all__ = ["compare_ranks"]

_WORSE = ("completed", "interrupted", "failed")
"""Outcomes, from the best."""


def compare_ranks(every: int = 10, silence: float = 60.0) -> Fold[JobState]:
    """What a job tells of its ranks: `ranks_compared` after so many steps, at the end of an epoch and with each alert;
    alerts "rank_straggler", "rank_diverged" and "rank_silent", each with the rank in its subject; each epoch that all
    ranks told; and the job's own start and end.

    A rank is silent, and not waited for, after `silence` seconds without an event while others have some. So long are
    the steps of an environment kept open for ranks that have told nothing of it. Raises ValueError unless both are
    positive.
    """
    if every < 1 or not silence > 0:
        raise ValueError(f"need every >= 1 and silence > 0, not {every} and {silence}")
    return Fold("compare_ranks", tuple(_TURNS), JobState, partial(_step, Rules(every, silence)), version=2)


def _step(rules: Rules, job: JobState, event: Event[Any]) -> Iterator[Payload]:
    if isinstance(event.payload, RunStarted):
        yield from _enter(job, event)
    rank = job.of.get(event.scope.run)
    if rank is not None and isinstance(event.payload, RunStarted | RunResumed):
        yield from resize(job, event.payload.world_size or job.world_size)
    if rank is None or rank >= job.world_size:
        return
    job.hear(rank, event.time)
    yield from _TURNS[type(event.payload)](rules, job, rank, event)
    yield from look_round(rules, job, event)


def _enter(job: JobState, event: Event[RunStarted]) -> Iterator[Payload]:
    """A rank begins."""
    told = event.payload
    if told.job is None or told.rank is None or told.world_size is None:
        return
    if not job.ranks:
        job.name, job.world_size, job.began, job.clock = told.job, told.world_size, event.time, event.time
        yield RunStarted(job=told.job, world_size=told.world_size)
    job.began = min(job.began, event.time)
    job.of[event.scope.run] = told.rank
    job.ranks.setdefault(told.rank, RankLife(job.heard)).ended = None


def _again(_: Rules, job: JobState, rank: int, event: Event[RunResumed]) -> Iterator[Payload]:
    job.ranks[rank].ended = None
    for track in job.tracks.items.values():
        track.restart(rank)
    if job.ended:
        job.ended = False
        yield replace(event.payload, last_seq=None, torn=0)


def _told(rules: Rules, job: JobState, rank: int, event: Event[Any]) -> Iterator[Payload]:
    track, where, step = job.track(event), event.scope[1:3], step_at(event.scope, event.payload.batch)
    if track.take(rank, step, event.payload, job.heard):
        if track.move(rank, step):
            yield from close_told(rules, job, where, event)
        if track.held > MOST:
            yield from give_up(rules, job, where, event)


def _epoch(rules: Rules, job: JobState, rank: int, event: Event[EpochCompleted]) -> Iterator[Payload]:
    track, where, end = job.track(event), event.scope[1:3], end_of(event.scope)
    if track.closed is not None and end[:2] < track.closed[:2]:
        return
    told = track.tell_epoch(rank, event.scope, event.payload)
    track.move(rank, end)
    yield from close_told(rules, job, where, event)
    by_all = all(other in told or job.is_gone(other) for other in track.at)
    if by_all and not is_waited_for(rules, job, track, (*end[:2], end[2] - 1)):
        track.epochs.pop(end, None)
        yield joint_epoch(told)
        yield from compare(job, where)


def _ended(rules: Rules, job: JobState, rank: int, event: Event[RunEnded]) -> Iterator[Payload]:
    job.ranks[rank].ended, job.ranks[rank].ended_at = event.payload, event.time
    yield from spoke(job, rank, event)
    for where in list(job.tracks.items):
        yield from close_told(rules, job, where, event)
    if len(job.ranks) == job.world_size and all(life.ended for life in job.ranks.values()) and not job.ended:
        job.ended = True
        for where, track in job.tracks.items.items():
            yield from compare(job, where)
            yield from resolve(track.alerts, "run_ended")
            track.rest()
        yield from resolve(job.alerts, "run_ended")
        yield _end(job)


def _alive(*_: Any) -> Iterator[Payload]:
    """It says no more than that."""
    yield from ()


def _end(job: JobState) -> RunEnded:
    """The worst that came of a rank is what came of the job; of several, the first: the others mostly lost that one."""
    ends = [(-_badness(life.ended), life.ended_at, rank, life.ended) for rank, life in job.ranks.items() if life.ended]
    *_, rank, worst = min(ends, key=lambda end: end[:3])
    error = f"rank {rank}: {worst.error}" if worst.error else None
    return RunEnded(outcome=worst.outcome, error=error, duration=max(0.0, job.clock - job.began))


def _badness(end: RunEnded) -> int:
    return _WORSE.index(end.outcome) if end.outcome in _WORSE else len(_WORSE)


_Turn = Callable[[Rules, JobState, int, Event[Any]], Iterator[Payload]]
_TURNS: Mapping[type[Payload], _Turn] = {
    RunStarted: _alive,
    RunResumed: _again,
    BatchCompleted: _told,
    StepTimed: _told,
    GradientsMeasured: _told,
    EpochCompleted: _epoch,
    Heartbeat: _alive,
    RunEnded: _ended,
}
