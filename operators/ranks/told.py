"""What a rank told of one step, and of the whole gradient what all told of one step together.

>>> joint_norm([Told(share=3.0), Told(share=4.0)]), joint_norm([Told(norm=5.0), Told(norm=5.0)])
(5.0, 5.0)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot

from nissa.events.kinds import BatchCompleted, GradientsMeasured, StepTimed

__all__ = ["Step", "StepKind", "Told", "joint_norm"]

Step = tuple[int, int, int]
"""Episode, epoch and mini-batch, in whose order steps are; -1 where that is not told."""

StepKind = BatchCompleted | GradientsMeasured | StepTimed


@dataclass(slots=True)
class Told:
    """By one rank, of one step; None where it is not told."""

    loss: float | None = None
    norm: float | None = None
    """Of the gradient that it holds, or that the trainer says."""
    share: float | None = None
    """What it adds to the norm where parameters are sharded."""
    measured: bool = False
    """Whether a probe told the norm, which is then as it was before clipping."""
    seconds: float | None = None
    own_seconds: float | None = None
    loading: float | None = None
    samples: int | None = None

    def take(self, payload: StepKind) -> None:
        """Take in what an event says."""
        if isinstance(payload, BatchCompleted):
            self.loss = payload.loss
            if not self.measured:
                self.norm = payload.host_grad_norm
        elif isinstance(payload, GradientsMeasured):
            self.norm, self.share, self.measured = payload.host_norm, payload.norm_share, True
        else:
            self.seconds, self.own_seconds = payload.seconds, payload.own_seconds
            self.loading, self.samples = payload.loading, payload.samples


def joint_norm(told: Iterable[Told]) -> float | None:
    """The norm of the whole gradient, in the order of the ranks; None where nobody told one, or a shard is missing.

    Disjoint shards add up in squares. What every rank holds whole is the same in all of them, and is not added.
    """
    ranks = list(told)
    if any(rank.share is not None for rank in ranks):
        shares = [rank.share for rank in ranks if rank.share is not None]
        return hypot(*shares) if len(shares) == len(ranks) else None
    norms = [rank.norm for rank in ranks if rank.norm is not None]
    return sum(norms) / len(norms) if norms else None
