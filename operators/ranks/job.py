"""What is known of a job while it goes on, and whom it waits for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import Payload, RanksCompared, RunEnded
from nissa.operators.alerts import ActiveAlerts
from nissa.operators.fold import Keyed
from nissa.operators.ranks.told import Step
from nissa.operators.ranks.track import Track

__all__ = [
    "JobState",
    "RankLife",
    "Rules",
    "is_waited_for",
    "rank_of",
    "ranks_text",
    "scope_in_job",
    "standing",
    "subject",
]

_TRACKS = 64
"""Environments of a job that are followed."""


_GAP = 10.0
"""Seconds of quiet that count: each rank tells at least a heartbeat within them."""


class Rules(NamedTuple):
    """How ranks are compared."""

    every: int
    silence: float


@dataclass(slots=True)
class RankLife:
    """What is known of one rank."""

    last: float
    """When its last event was heard, by `JobState.heard`."""
    ended: RunEnded | None = None
    ended_at: float = 0.0
    """By the event's own time, so that nothing depends on the order of arrival."""
    silent: bool = False


@dataclass(slots=True)
class JobState:
    """One job."""

    name: str = ""
    world_size: int = 0
    began: float = 0.0
    clock: float = 0.0
    """The latest time of an event."""
    heard: float = 0.0
    """Seconds of that in which ranks were heard: while all are quiet, as in a machine that sleeps, it stands still."""
    looked: float = 0.0
    """When it was looked last who is silent."""
    ended: bool = False
    of: dict[str, int] = field(default_factory=dict)
    """The rank of each run."""
    ranks: dict[int, RankLife] = field(default_factory=dict)
    tracks: Keyed[Track] = field(default_factory=lambda: Keyed(Track, _TRACKS))
    """By group and environment."""
    alerts: ActiveAlerts = field(default_factory=dict)
    """Of silent ranks."""

    def track(self, event: Event[Payload]) -> Track:
        """That of an event."""
        track = self.tracks[event.scope[1:3]]
        if not track.at:
            track.began = self.heard
        return track

    def hear(self, rank: int, time: float) -> None:
        """A rank told something."""
        self.heard += min(max(0.0, time - self.clock), _GAP)
        self.clock = max(self.clock, time)
        self.ranks.setdefault(rank, RankLife(self.heard)).last = self.heard

    def is_gone(self, rank: int) -> bool:
        """Whether a rank is not waited for: it ended, or is silent."""
        life = self.ranks.get(rank)
        return life is not None and (life.ended is not None or life.silent)


def is_waited_for(rules: Rules, job: JobState, track: Track, step: Step) -> bool:
    """Whether some rank is still to tell a step."""
    if _is_behind(rules, job, track, track.behind, step):
        return True
    for rank in range(job.world_size):
        if _is_behind(rules, job, track, rank, step):
            track.behind = rank
            return True
    return False


def _is_behind(rules: Rules, job: JobState, track: Track, rank: int, step: Step) -> bool:
    at = track.at.get(rank)
    if job.is_gone(rank):
        return False
    # One that tells nothing of this environment is not waited for for ever.
    return job.heard - track.began < rules.silence if at is None else at <= step


def scope_in_job(job: JobState, cause: Scope, payload: Payload) -> Scope:
    """Where in the job something happened that followed from an event of one of its ranks."""
    if isinstance(payload, RanksCompared):
        return Scope(job.name, payload.group, payload.env, payload.episode, payload.epoch)
    return cause._replace(run=job.name)


def subject(rank: int, measure: str = "") -> str:
    """What an alert is about.

    >>> subject(3), subject(3, "loss")
    ('rank 3', 'rank 3 loss')
    """
    return f"rank {rank} {measure}".rstrip()


def ranks_text(ranks: Sequence[int]) -> str:
    """Ranks by their numbers.

    >>> ranks_text([2]), ranks_text([0, 2]), ranks_text([])
    ('rank 2', 'ranks 0, 2', '')
    """
    return f"rank{'s' * (len(ranks) > 1)} {', '.join(map(str, ranks))}" if ranks else ""


def rank_of(about: str | None) -> int:
    """The rank that an alert is about."""
    return int((about or "").split()[1])


def standing(job: JobState, track: Track) -> dict[int, list[str]]:
    """By rank, the names of the alerts that stand against it."""
    found: dict[int, list[str]] = {}
    for alert, about in (*track.alerts, *job.alerts):
        names = found.setdefault(rank_of(about), [])
        if alert.name not in names:
            names.append(alert.name)
    return found
