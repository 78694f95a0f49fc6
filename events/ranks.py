"""The ranks of a job, processes that train one network: what a step took in each, and all beside each other."""

from dataclasses import field

from nissa.events.event import Env
from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Count, Fraction, Loss, Norm, Seconds

__all__ = ["RankFigures", "RanksCompared", "StepTimed"]


@kind(Importance.BULK)
class StepTimed(Payload):
    """What one training step took in one rank of a job."""

    batch: Count
    """Mini-batch inside the epoch, from 0."""
    seconds: Seconds | None = None
    """Wall-clock time since the step before, which is about the same in all ranks; None for the first of an epoch."""
    own_seconds: Seconds | None = None
    """Of that, until the first gradient of this step: what no other rank is waited for. None where it is not seen."""
    loading: Seconds | None = None
    """Of that, waiting for data; None where nobody saw the loading."""
    samples: Count | None = None
    """Samples that were loaded for the step; None where nobody saw the loading."""


@part
class RankFigures:
    """One rank of a job, over the steps that are compared."""

    rank: Count
    """Which one, from 0."""
    steps: Count
    """Steps that it told."""
    samples: Count | None = None
    """Samples of these steps; None unless told of each."""
    loss: Loss | None = None
    """Mean training loss of its batches; by samples where they are told."""
    grad_norm: Norm | None = None
    """Mean norm of the gradient that it holds."""
    seconds: Seconds | None = None
    """Mean wall-clock time from one step to the next."""
    own_seconds: Seconds | None = None
    """Mean time of a step in which it waited for no other rank."""
    loading_share: Fraction | None = None
    """Share of the time in which it waited for data."""
    alerts: list[str] = field(default_factory=list)
    """Alerts that stand against it, by name."""


@kind(Importance.ROUTINE, derived=True)
class RanksCompared(Payload):
    """The ranks of a job over the steps since this was told before, aligned by their numbers and not by clocks."""

    group: str | None = None
    """Group (A/B arm) that the ranks train in."""
    env: Env | None = None
    """Environment that the ranks train in."""
    episode: Count | None = None
    """Episode of the last step; None where none is told."""
    epoch: Count | None = None
    """Epoch of the last step; None where none is told."""
    batch: Count | None = None
    """Mini-batch of the last step; None where no step was told."""
    steps: Count
    """Steps of the job that closed."""
    incomplete: Count
    """Of these, steps that some rank did not tell which had told others: it passed them over, ended, or was silent."""
    timed_out: Count
    """Of these, steps that were given up for want of news."""
    late: Count
    """Events of steps that had closed already, left out."""
    world_size: Count
    """Processes of the job; None for a process alone."""
    samples: Count | None = None
    """Samples of these steps, over all ranks; None unless told of each."""
    loss: Loss | None = None
    """Mean training loss of all ranks; by samples where they are told, else each batch alike."""
    loss_std: Loss | None = None
    """Standard deviation of the losses, one for each rank and step; None below two."""
    loss_min: Loss | None = None
    """Lowest mean loss of a rank."""
    loss_min_rank: Count | None = None
    """Whose that is."""
    loss_max: Loss | None = None
    """Highest mean loss of a rank."""
    loss_max_rank: Count | None = None
    """Whose that is."""
    grad_norm: Norm | None = None
    """Mean norm of the job's gradient: of disjoint shards together, or of one that all ranks hold."""
    ranks: list[RankFigures]
    """By rank: those that told something."""
