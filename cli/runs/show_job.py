"""What is known of a job and of each of its ranks: how long their steps took, what they lost, and who was noticed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError
from nissa.events.event import Event
from nissa.events.kinds import (
    AlertRaised,
    AlertResolved,
    RankFigures,
    RanksCompared,
    RunEnded,
    RunResumed,
    RunStarted,
)
from nissa.operators.ranks import ranks_text
from nissa.operators.statistics import Moments
from nissa.pipeline.jobs import JOB, rank_directories
from nissa.sinks.run_log import segments
from nissa.sinks.text import counted, filled_table, joined, number, place, text_lines

__all__ = ["JobTold", "RankTold", "job_in", "job_lines"]

_SHOWN = 20
"""Alerts that are shown, the first ones."""


def job_in(path: Path) -> Path | None:
    """The job's own run, where `path` is the folder of a job; None where it is none.

    Raises UsageError where nobody compared its ranks.
    """
    if segments(path) or not rank_directories(path):
        return None
    if not segments(path / JOB):
        raise UsageError(f"{path}: nobody compared the ranks of this job: `nissa collect {path}` does")
    return path / JOB


@dataclass(slots=True)
class RankTold:
    """One rank, over all comparisons."""

    steps: int = 0
    samples: int = 0
    loss: float | None = None
    """That of the last comparison."""
    grad_norm: float | None = None
    times: dict[str, Moments] = field(default_factory=lambda: {"seconds": Moments(), "own_seconds": Moments()})
    """Each comparison alike."""
    loading: Moments = field(default_factory=Moments)
    alerts: dict[str, None] = field(default_factory=dict)

    def take(self, row: RankFigures) -> None:
        """Take a comparison in."""
        self.steps, self.samples = self.steps + row.steps, self.samples + (row.samples or 0)
        self.loss = self.loss if row.loss is None else row.loss
        self.grad_norm = self.grad_norm if row.grad_norm is None else row.grad_norm
        for name, moments in (*self.times.items(), ("loading_share", self.loading)):
            if (value := getattr(row, name)) is not None:
                moments.add(value)
        self.alerts |= dict.fromkeys(row.alerts)


@dataclass(slots=True)
class JobTold:
    """A consumer of the events of a job's own run."""

    kinds = (AlertRaised, AlertResolved, RanksCompared, RunEnded, RunResumed, RunStarted)
    name: str = ""
    world_size: int = 0
    ended: RunEnded | None = None
    steps: int = 0
    incomplete: int = 0
    ranks: dict[int, RankTold] = field(default_factory=dict)
    raised: list[Event[AlertRaised]] = field(default_factory=list)
    standing: set[tuple[str, str | None]] = field(default_factory=set)

    def __call__(self, event: Event[Any]) -> None:
        payload = event.payload
        if isinstance(payload, RunStarted):
            self.name, self.world_size = event.scope.run, payload.world_size or 0
        elif isinstance(payload, RunEnded | RunResumed):
            self.ended = payload if isinstance(payload, RunEnded) else None
        elif isinstance(payload, RanksCompared):
            self.world_size = payload.world_size
            self.steps, self.incomplete = self.steps + payload.steps, self.incomplete + payload.incomplete
            for row in payload.ranks:
                self.ranks.setdefault(row.rank, RankTold()).take(row)
        elif isinstance(payload, AlertRaised):
            self.raised.append(event)
            self.standing.add((payload.alert, payload.subject))
        else:
            self.standing.discard((payload.alert, payload.subject))


def job_lines(job: JobTold, lost: Sequence[int] = ()) -> Iterator[str]:
    """The job in a sentence, its ranks in a table, and its alerts. `lost` are the ranks that died without a word."""
    end = f"{job.ended.outcome} after {job.ended.duration:,.0f} s" if job.ended else "not ended"
    lacking = f"{counted(job.incomplete, 'step')} lacked a rank" if job.incomplete else ""
    what = joined(", ", counted(job.world_size, "rank"), end, f"{counted(job.steps, 'step')} compared", lacking)
    yield f"Job {job.name}: {what}."
    if job.ended and job.ended.error:
        yield f"  {job.ended.error}"
    if lost:
        yield f"  Died, or killed: {ranks_text(lost)}, of which the log has no end, and nobody writes it any more."
    if job.ranks:
        right = ("steps", "samples", "loss", "grad norm", "s a step", "own s", "loading")
        rows = ([str(rank), *_cells(told)] for rank, told in sorted(job.ranks.items()))
        yield ""
        yield from text_lines(filled_table(None, ("rank",), right, ("noticed",), rows))
        yield "loss, grad norm: of the last comparison; own: without waiting for other ranks; loading: share of time."
    yield ""
    if not job.raised:
        yield f"Nothing {'else ' * bool(lost)}was noticed of any rank."
    for event in job.raised[:_SHOWN]:
        alert, scope = event.payload, event.scope
        stands = ", and it stands" if (alert.alert, alert.subject) in job.standing else ""
        yield joined(": ", place(scope.group, scope.env, scope.episode, scope.epoch), f"{alert.what}{stands}.")
    if len(job.raised) > _SHOWN:
        yield f"... and {len(job.raised) - _SHOWN:,} more: `nissa show --kind alert_raised` lists them."


def _cells(told: RankTold) -> list[str]:
    seconds, own = (told.times[name].mean for name in ("seconds", "own_seconds"))
    return [
        f"{told.steps:,}",
        number(told.samples or None, "{:,}"),
        number(told.loss, "{:.4g}"),
        number(told.grad_norm, "{:.4g}"),
        number(seconds, "{:.3g}"),
        number(own, "{:.3g}"),
        number(told.loading.mean, "{:.0%}"),
        ", ".join(told.alerts),
    ]
