"""Which episodes were best, and which could not be had smaller? Peak accuracy, growth, efficiency, Pareto front.

All of the network as it was trained, at its peak: what is kept of it, and how it compares with a host alone, is the
verdict's.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from nissa.events.event import Env, Event, Scope, natural_order
from nissa.events.kinds import BestRun, BestRunsRanked, EpisodeEnded, EpisodeStarted, EpochCompleted, RunStarted
from nissa.operators.fold import Fold, Keyed
from nissa.operators.growth.host_sizes import HostSizes
from nissa.operators.growth.model_size import growth_ratio

__all__ = ["MAX_ENVS", "Finished", "Peak", "Ranking", "best_runs", "rank"]

Happening = RunStarted | EpisodeStarted | EpochCompleted | EpisodeEnded

MAX_ENVS = 256
"""Environments whose best episode stays listed however many others are better."""


@dataclass(slots=True)
class Peak:
    """The best epoch so far of an episode."""

    epoch: int | None = None
    accuracy: float = -math.inf
    growth_ratio: float | None = None
    """None where a size was not told."""
    ended: bool = False
    """Whether its episode was told to have ended, and so is counted."""


@dataclass(slots=True)
class Finished:
    """The episodes of a run that ended: how many, and the best of them in order."""

    count: int = 0
    best: list[BestRun] = field(default_factory=list)


@dataclass(slots=True)
class Ranking:
    """Where each episode stands, and what each run has finished."""

    peaks: Keyed[Peak] = field(default_factory=lambda: Keyed(Peak))
    runs: Keyed[Finished] = field(default_factory=lambda: Keyed(Finished))
    sizes: HostSizes = field(default_factory=HostSizes)


def best_runs(keep: int = 100) -> Fold[Ranking]:
    """The ranking of a run's finished episodes, anew each time one ends.

    Growth counts the seeds present when accuracy peaked, whatever their stage; ties go to the first epoch. An episode
    in which no accuracy was finite is counted, not ranked; one whose size was not told is on no Pareto front. One that
    is told to have ended twice counts once, and one that never ended not at all: the verdict tells how many. Beyond
    `keep` the last in rank are forgotten, those on the front after the others, and the best of an environment not at
    all, so that each of up to `MAX_ENVS` is listed. Raises ValueError if `keep` is below 1.
    """
    if keep < 1:
        raise ValueError(f"keep must be at least 1, not {keep}")
    kinds = (RunStarted, EpisodeStarted, EpochCompleted, EpisodeEnded)
    return Fold("best_runs", kinds, Ranking, partial(_step, keep), partial(_merge, keep))


def rank(runs: Iterable[BestRun], keep: int) -> list[BestRun]:
    """Sort by peak accuracy, then by size, mark the Pareto front in one sweep, and keep the best `keep`.

    The best of each environment is kept besides. A rank is the place among `runs`: behind forgotten ones all move up.
    """
    ordered = sorted(runs, key=_order)
    smallest, marked, leader = math.inf, [], None
    for place, run in enumerate(ordered, start=1):
        growth = _growth(run)
        equal = leader is not None and (run.peak_accuracy, growth) == leader
        pareto = equal or growth < smallest
        if pareto:
            smallest, leader = growth, (run.peak_accuracy, growth)
        marked.append(replace(run, rank=place, pareto=pareto))
    kept = sorted(marked, key=lambda run: (not run.pareto, run.rank))[:keep]
    return sorted({run.rank: run for run in (*kept, *_firsts(marked))}.values(), key=lambda run: run.rank)


def _firsts(ordered: Iterable[BestRun]) -> Iterable[BestRun]:
    """The best of each environment."""
    firsts: dict[tuple[str | None, Env | None], BestRun] = {}
    for run in ordered:
        firsts.setdefault((run.group, run.env), run)
    return islice(firsts.values(), MAX_ENVS)


def _growth(run: BestRun) -> float:
    """What is not known counts as larger than all that is."""
    return math.inf if run.growth_ratio is None else run.growth_ratio


def _order(run: BestRun) -> tuple[Any, ...]:
    episode = -1 if run.episode is None else run.episode
    return -run.peak_accuracy, _growth(run), str(run.group), natural_order(run.env), episode


def _step(keep: int, state: Ranking, event: Event[Happening]) -> Iterator[BestRunsRanked]:
    scope, payload = event.scope, event.payload
    if isinstance(payload, RunStarted | EpisodeStarted):
        state.sizes.note(scope, payload.host_params)
    if isinstance(payload, RunStarted):
        return
    peak = state.peaks[scope[:4]]
    if isinstance(payload, EpisodeStarted):
        state.peaks[scope[:4]] = Peak(ended=peak.ended)
    elif isinstance(payload, EpisodeEnded):
        yield _finish(keep, state, scope, peak)
    elif payload.val_accuracy is not None and payload.val_accuracy > peak.accuracy:
        host = state.sizes.of(scope) if payload.host_params is None else payload.host_params
        peak.epoch, peak.accuracy = scope.epoch, float(payload.val_accuracy)
        peak.growth_ratio = growth_ratio(host, payload.total_seed_params)


def _finish(keep: int, state: Ranking, scope: Scope, peak: Peak) -> BestRunsRanked:
    run = state.runs[scope.run]
    if peak.ended:
        run.best = [row for row in run.best if (row.group, row.env, row.episode) != scope[1:4]]
    run.count += not peak.ended
    peak.ended = True
    if math.isfinite(peak.accuracy):
        run.best = rank([*run.best, _row(scope, peak)], keep)
    return BestRunsRanked(runs=run.best, finished=run.count)


def _row(scope: Scope, peak: Peak) -> BestRun:
    return BestRun(
        group=scope.group,
        env=scope.env,
        episode=scope.episode,
        epoch=peak.epoch,
        peak_accuracy=peak.accuracy,
        growth_ratio=peak.growth_ratio,
        efficiency=None if peak.growth_ratio is None else peak.accuracy / peak.growth_ratio,
        rank=0,
        pareto=False,
    )


def _merge(keep: int, left: Ranking, right: Ranking) -> Ranking:
    merged = Ranking(sizes=left.sizes.merge(right.sizes))
    for part in (left, right):
        merged.peaks.items.update(part.peaks.items)
        for run, finished in part.runs.items.items():
            whole = merged.runs[run]
            whole.count += finished.count
            whole.best = rank([*whole.best, *finished.best], keep)
    return merged
