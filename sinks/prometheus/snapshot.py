"""What the sink knows when somebody scrapes: copies that nothing changes any more."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from prometheus_client.samples import Exemplar

from nissa.events.event import Event
from nissa.events.kinds import PipelineState
from nissa.sinks.prometheus.metric import Labels

__all__ = ["LatestByKind", "ScrapeAccount", "Snapshot", "Value"]

Value = float | tuple[float, ...]
"""Of a counter or gauge the number; of a histogram the count of each bucket, infinity's at last, and then the sum."""


class LatestByKind:
    """What was seen of one environment, or of a part of the run that is no environment's own."""

    __slots__ = ("at", "blueprints", "counts", "latest", "twin")

    def __init__(self, at: Labels, counts: dict[type, int], latest: dict[type, Event[Any]]) -> None:
        self.at = at
        """Values of run, group and env."""
        self.counts = counts
        """Events by kind."""
        self.latest = latest
        """The last event of each kind."""
        self.twin: dict[int, float] = {}
        """Validation accuracy of the host-only twin in percent, by epoch."""
        self.blueprints: dict[tuple[str, str | None], str] = {}
        """Of the seeds that live in the episode, by slot and seed."""

    def copy(self) -> "LatestByKind":
        """As it stands now, for another thread to read.

        Events are never changed, so they are shared; so is the twin's curve, of which one epoch at a time is read.
        """
        copy = LatestByKind(self.at, self.counts.copy(), self.latest.copy())
        copy.twin = self.twin
        return copy


class Snapshot(NamedTuple):
    """A copy of the state. Events themselves are never changed, so they are shared."""

    totals: dict[str, dict[Labels, Value]]
    """Counters and histograms by name and labels."""
    exemplars: Mapping[str, Mapping[Labels, Exemplar]]
    """Of counters, likewise."""
    places: list[LatestByKind]
    """The last events and the numbers of events, by environment."""
    scalars: dict[Labels, float]
    """The last value of each, by run, group, env and name."""
    kinds: Counter[type]
    """Events ever taken in, by kind."""
    begun: dict[str, float]
    """When each run started, or else when its first event happened."""
    refused: int
    """Label sets left out for want of room."""
    unreadable: int
    """Values left out of counters because they are no numbers, or too large for one."""
    account: PipelineState
    """What the pipeline said of itself in the last heartbeat."""


class ScrapeAccount(NamedTuple):
    """What scrapes have cost so far."""

    scrapes: int = 0
    errors: int = 0
    """Values and events that could not be read, each time."""
    refused: int = 0
    """Label sets left out for want of room, each time one came up."""
    seconds: float = 0.0
