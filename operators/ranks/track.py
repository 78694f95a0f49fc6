"""The steps of one environment of a job: open until every rank told them, or is not waited for any more.

A rank has told a step once it tells a later one: what belongs to a step may come in several events.
"""

from dataclasses import dataclass, field
from sys import maxsize

from nissa.events.event import Scope
from nissa.events.kinds import EpochCompleted
from nissa.operators.alerts import ActiveAlerts
from nissa.operators.ranks.diverging import Diverging
from nissa.operators.ranks.straggling import Slowness
from nissa.operators.ranks.sums import Between
from nissa.operators.ranks.told import Step, StepKind, Told

__all__ = ["EPOCHS", "MOST", "Track", "end_of", "step_at"]

MOST = 65_536
"""What ranks told of open steps, one for each rank and step; one more, and the first step is given up."""
EPOCHS = 8
"""Epochs that may be open."""


def step_at(scope: Scope, batch: int) -> Step:
    """The step of a place and mini-batch."""
    episode, epoch = scope.episode, scope.epoch
    return (-1 if episode is None else episode, -1 if epoch is None else epoch, batch)


def end_of(scope: Scope) -> Step:
    """Behind the last step of an epoch."""
    return step_at(scope, maxsize)


@dataclass(slots=True)
class Track:
    """One environment; ranks are where their last event was."""

    began: float = 0.0
    """When the first rank told something, by `JobState.heard`, as all times here."""
    at: dict[int, Step] = field(default_factory=dict)
    open: dict[Step, dict[int, Told]] = field(default_factory=dict)
    since: dict[Step, float] = field(default_factory=dict)
    """When the first rank told an open step."""
    held: int = 0
    """What is in open steps, one for each rank and step."""
    first: Step | None = None
    """Of the open steps."""
    closed: Step | None = None
    """The last one."""
    behind: int = 0
    """A rank that had to be waited for when it was asked last: most likely it still has."""
    epochs: dict[Step, dict[int, EpochCompleted]] = field(default_factory=dict)
    between: Between = field(default_factory=Between)
    slowness: Slowness = field(default_factory=Slowness)
    diverging: Diverging = field(default_factory=Diverging)
    alerts: ActiveAlerts = field(default_factory=dict)

    def take(self, rank: int, step: Step, payload: StepKind, heard: float) -> bool:
        """Take in what a rank told of a step; whether it is open still."""
        if self.closed is not None and step <= self.closed:
            self.between.late += 1
            return False
        if step not in self.open:
            self.open[step], self.since[step] = {}, heard
            self.first = step if self.first is None else min(step, self.first)
        told = self.open[step]
        if rank not in told:
            told[rank] = Told()
            self.held += 1
        told[rank].take(payload)
        return True

    def move(self, rank: int, step: Step) -> bool:
        """A rank is at a step; whether it was before it."""
        before = self.at.get(rank)
        if before is None or step > before:
            self.at[rank] = step
            return True
        return False

    def close(self) -> tuple[Step, dict[int, Told]]:
        """The first open step, which is closed now, with its ranks in their order. Raises KeyError without one."""
        step = self.first
        if step is None:
            raise KeyError("no step is open")
        told = self.open.pop(step)
        del self.since[step]
        self.held -= len(told)
        self.closed, self.first = step, min(self.open, default=None)
        return step, {rank: told[rank] for rank in sorted(told)}

    def restart(self, rank: int) -> None:
        """A rank begins anew, or does not go on; once all have, so do the steps, which may be earlier ones."""
        self.at.pop(rank, None)
        self.behind = 0
        self.slowness.forget(rank)
        self.diverging.forget(rank)
        if not self.at:
            self.open, self.since, self.held, self.first, self.closed = {}, {}, 0, None, None

    def rest(self) -> None:
        """The job is over: what is usual of its ranks is kept no longer, and learnt anew where they go on."""
        self.slowness, self.diverging = Slowness(), Diverging()

    def tell_epoch(self, rank: int, scope: Scope, payload: EpochCompleted) -> dict[int, EpochCompleted]:
        """What all ranks told of an epoch so far."""
        told = self.epochs.setdefault(end_of(scope), {})
        told[rank] = payload
        while len(self.epochs) > EPOCHS:
            del self.epochs[min(self.epochs)]
        return told
