"""What the ranks told between two comparisons, added up: counts exactly, means and spreads by moments.

>>> sums = Between()
>>> sums.take((0, 1, 7), {0: Told(loss=1.0, samples=1), 1: Told(loss=2.0, samples=3)})
>>> compared = sums.compared(2, None, None, {1: ["rank_straggler"]})
>>> compared.loss, compared.samples, compared.ranks[1].alerts, compared.batch
(1.75, 4, ['rank_straggler'], 7)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan

from nissa.events.event import Env
from nissa.events.kinds import RankFigures, RanksCompared
from nissa.operators.ranks.told import Step, Told, joint_norm
from nissa.operators.statistics import Moments

__all__ = ["Between", "RankSums"]


@dataclass(slots=True)
class RankSums:
    """Of one rank."""

    steps: int = 0
    sampled: int = 0
    """Steps whose samples were told."""
    samples: int = 0
    losses: Moments = field(default_factory=Moments)
    weighted: float = 0.0
    """Losses by samples, added."""
    norms: Moments = field(default_factory=Moments)
    seconds: Moments = field(default_factory=Moments)
    own_seconds: Moments = field(default_factory=Moments)
    loading: float = 0.0
    loaded: float = 0.0
    """Seconds of the steps in which loading was seen."""

    def take(self, told: Told) -> None:
        """Take a step in."""
        self.steps += 1
        if told.samples is not None:
            self.sampled += 1
            self.samples += told.samples
            self.weighted += 0.0 if told.loss is None else told.loss * told.samples
        norm = told.norm if told.share is None else told.share
        columns = (
            (self.losses, told.loss),
            (self.norms, norm),
            (self.seconds, told.seconds),
            (self.own_seconds, told.own_seconds),
        )
        for moments, value in columns:
            if value is not None:
                moments.add(value)
        if told.loading is not None and told.seconds is not None:
            self.loading += told.loading
            self.loaded += told.seconds

    @property
    def by_samples(self) -> bool:
        """Whether losses can be weighted."""
        return self.samples > 0 and self.steps == self.sampled == self.losses.count

    def figures(self, rank: int, alerts: list[str]) -> RankFigures:
        """As they are told."""
        return RankFigures(
            rank=rank,
            steps=self.steps,
            samples=self.samples if self.steps == self.sampled else None,
            loss=self.weighted / self.samples if self.by_samples else self.losses.mean,
            grad_norm=self.norms.mean,
            seconds=self.seconds.mean,
            own_seconds=self.own_seconds.mean,
            loading_share=min(1.0, self.loading / self.loaded) if self.loaded else None,
            alerts=alerts,
        )


@dataclass(slots=True)
class Between:
    """Of all ranks, since the last comparison."""

    last: Step | None = None
    steps: int = 0
    incomplete: int = 0
    timed_out: int = 0
    late: int = 0
    norms: Moments = field(default_factory=Moments)
    ranks: dict[int, RankSums] = field(default_factory=dict)

    def take(self, step: Step, told: Mapping[int, Told]) -> None:
        """Take in a step that closed; the sums are made in the order of the ranks."""
        self.last, self.steps = step, self.steps + 1
        for rank in sorted(told):
            self.ranks.setdefault(rank, RankSums()).take(told[rank])
        norm = joint_norm(told[rank] for rank in sorted(told))
        if norm is not None:
            self.norms.add(norm)

    def compared(
        self, world_size: int, group: str | None, env: Env | None, alerts: Mapping[int, list[str]]
    ) -> RanksCompared:
        """The comparison, with the alerts that stand against each rank."""
        rows = [self.ranks[rank].figures(rank, alerts.get(rank, [])) for rank in sorted(self.ranks)]
        rows += [RankFigures(rank=rank, steps=0, alerts=alerts[rank]) for rank in sorted(alerts.keys() - self.ranks)]
        rows.sort(key=lambda row: row.rank)
        ranks = [self.ranks[rank] for rank in sorted(self.ranks)]
        # NaN is neither low nor high; as the first of a list it would be both.
        known = [(row.loss, row.rank) for row in rows if row.loss is not None and not isnan(row.loss)]
        losses = Moments()
        for rank in ranks:
            losses = losses.merge(rank.losses)
        samples = sum(rank.samples for rank in ranks)
        weighted = bool(ranks) and all(rank.by_samples for rank in ranks)
        least, most = min(known, default=(None, None)), max(known, default=(None, None))
        return RanksCompared(
            group=group,
            env=env,
            **_place(self.last),
            steps=self.steps,
            incomplete=self.incomplete,
            timed_out=self.timed_out,
            late=self.late,
            world_size=world_size,
            samples=samples if ranks and all(rank.steps == rank.sampled for rank in ranks) else None,
            loss=sum(rank.weighted for rank in ranks) / samples if weighted else losses.mean,
            loss_std=losses.std,
            loss_min=least[0],
            loss_min_rank=least[1],
            loss_max=most[0],
            loss_max_rank=most[1],
            grad_norm=self.norms.mean,
            ranks=rows,
        )


def _place(step: Step | None) -> dict[str, int | None]:
    names = ("episode", "epoch", "batch")
    return {name: None if number < 0 else number for name, number in zip(names, step or (-1, -1, -1), strict=True)}
