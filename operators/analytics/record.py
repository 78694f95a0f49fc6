"""What has an environment come to? All that its finished episodes leave for the answers."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from nissa.events.kinds import EpisodeCompared, EpochAssessed, HostAloneTrained, HostBaselineMeasured, VerdictReached
from nissa.operators.analytics.course import Course
from nissa.operators.host_twin import HostTwin
from nissa.operators.statistics import Moments
from nissa.operators.verdict import Standing

__all__ = ["MAX_EPISODES", "Contribution", "Followed", "Health", "HostAlone", "Record"]

MAX_EPISODES = 100
"""Episodes of an environment whose decisions count: of more, the last ones, for a policy learns."""
_MOST = 100
"""Hosts of other widths; and slots with a blueprint. Of more, the first is forgotten."""


class HostAlone(NamedTuple):
    """A host of some width that was trained alone for so many epochs; accuracy in percent."""

    params: int | None
    epochs: int
    accuracy: float


class Followed(NamedTuple):
    """What followed so many decisions, added up in points."""

    n: int = 0
    total: float = 0.0


@dataclass(slots=True)
class Contribution:
    """The seeds of a blueprint in a slot."""

    shapley: Moments = field(default_factory=Moments)
    params: int | None = None


@dataclass(slots=True)
class Health:
    """What was said of the epochs, and noticed."""

    assessed: int = 0
    flagged: int = 0
    flags: Counter[str] = field(default_factory=Counter)
    share: Moments = field(default_factory=Moments)
    alerts: Counter[str] = field(default_factory=Counter)
    standing: int = 0

    def assess(self, told: EpochAssessed) -> None:
        """Take an epoch in."""
        self.assessed += 1
        self.flagged += bool(told.red_flags)
        self.flags.update(told.red_flags)
        if told.health is not None:
            self.share.add(told.health)


@dataclass(slots=True)
class Record:
    """Of one environment of a group; what is told of no environment has one, too."""

    course: Course = field(default_factory=Course)
    finished: dict[int, float] = field(default_factory=dict)
    """By epoch, the accuracies of the episode that ended last."""
    standing: Standing = field(default_factory=Standing)
    verdict: VerdictReached | None = None
    """How its own episodes stand against its twin; None before one was compared."""
    ablation_delta: Moments = field(default_factory=Moments)
    contributions: dict[tuple[str, str | None], Contribution] = field(default_factory=dict)
    """By slot and blueprint."""
    followed: dict[int | None, dict[tuple[str, str], Followed]] = field(default_factory=dict)
    """By episode, and by the operations of the heuristic and of the policy."""
    ops: Counter[str] = field(default_factory=Counter)
    hosts: dict[float, HostAlone] = field(default_factory=dict)
    """By width; that of the twin is 1."""
    health: Health = field(default_factory=Health)

    def alone(self, told: HostAloneTrained | HostBaselineMeasured) -> None:
        """Take in a host that was trained alone."""
        width = 1.0 if isinstance(told, HostBaselineMeasured) else float(told.width)
        if told.final_accuracy is not None:
            self.hosts[width] = HostAlone(told.host_params, int(told.epochs), float(told.final_accuracy))
            if len(self.hosts) > _MOST:
                del self.hosts[next(iter(self.hosts))]

    def compared(self, row: EpisodeCompared) -> None:
        """Take in an episode beside its twin; one that is told anew stands in the place of itself."""
        self.standing.envs[row.env].enter(row.episode, 0, row)
        self.verdict = self.standing.verdict(row.group)

    def end(self, episode: int | None, twin: HostTwin) -> None:
        """An episode ended: keep what it leaves."""
        course, self.course = self.course, Course()
        if not course.accuracies:
            return
        self.finished = course.accuracies
        told = course.last()
        if told is not None and told.ablation_delta is not None:
            self.ablation_delta.add(told.ablation_delta)
        for seed in told.seeds if told else ():
            if seed.shapley is not None:
                self._contribute((seed.slot, seed.blueprint), seed.shapley, course.seed_params.get(seed.slot))
        self._follow(episode, course, twin)

    def _contribute(self, key: tuple[str, str | None], shapley: float, params: int | None) -> None:
        contribution = self.contributions.setdefault(key, Contribution())
        contribution.shapley.add(shapley)
        contribution.params = params
        if len(self.contributions) > _MOST:
            del self.contributions[next(iter(self.contributions))]

    def _follow(self, episode: int | None, course: Course, twin: HostTwin) -> None:
        found: dict[tuple[str, str], Followed] = {}
        for choice, gained in course.followed(twin):
            n, total = found.get(choice[1:], Followed())
            found[choice[1:]] = Followed(n + 1, total + gained)
        self.followed.pop(episode, None)
        self.followed[episode] = found
        if len(self.followed) > MAX_EPISODES:
            del self.followed[next(iter(self.followed))]
