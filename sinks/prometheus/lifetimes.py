"""How long is true what an event says? The tables in `metrics/` are written with these lifetimes.

A table says of which kind of event its metrics are, how long they are true, their labels, and each metric by name:

>>> from nissa.events.kinds import EpochCompleted
>>> from nissa.sinks.prometheus.metric import gauge, percent
>>> epoch = of_episode(EpochCompleted, ENV)(
...     nissa_val_loss=gauge("nats", "Validation loss after the last epoch.", "val_loss"),
...     nissa_val_accuracy_ratio=gauge("ratio", "Validation accuracy then.", percent("val_accuracy")),
... )
>>> epoch.lifetime, epoch.metrics[0].labels
(<Lifetime.EPISODE: 3>, ('run', 'group', 'env'))
"""

from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from nissa.events.event import Event
from nissa.sinks.prometheus.metric import ENV, Column, Labels, Metric, Read
from nissa.sinks.prometheus.rows import Rows, whole, whole_payload

__all__ = [
    "Header",
    "Lifetime",
    "Start",
    "Table",
    "added",
    "at_scrape",
    "header",
    "of_episode",
    "of_run",
    "of_seeds",
    "shared",
]


class Start:
    """Stands among kinds of events for the time before the first of them."""


class Lifetime(Enum):
    """How long what an event says is true."""

    ADDED = 1
    """For good: each event adds to a counter or a histogram."""
    SEEDS = 2
    """Until a seed comes or goes, or the next episode starts. What an episode's end clears away, it takes along only
    then."""
    EPISODE = 3
    """Until the next episode of the environment starts."""
    RUN = 4
    """Until the next event of the kind in the environment."""
    SHARED = 5
    """Until the next event of the kind and the `key` in the run: it is no environment's own, though one caused it."""
    SCRAPE = 6
    """At this moment: no event says it, it is worked out of what the sink knows at a scrape."""


class Table(NamedTuple):
    """Metrics that are read from the same rows."""

    lifetime: Lifetime
    source: type
    """The kind of event, or the type of what is known at a scrape."""
    metrics: tuple[Metric, ...]
    reads: tuple[tuple[str, Read], ...]
    """Their names, and how a row is read for each."""
    rows: Rows
    depth: int
    """How many of run, group and env are labels."""
    key: Callable[[Event[Any]], Hashable]
    """What tells apart events that are shared in a run."""
    zeros: Mapping[type, Rows]
    """By kind of event, which series it makes known, so that they begin at 0.

    Those that `run_started` names begin in every environment of the run.
    """


class Header(Protocol):
    """A table without its metrics, which are handed in by name."""

    def __call__(self, **columns: Column) -> Table: ...


def header(
    lifetime: Lifetime,
    source: type,
    labels: Labels,
    *,
    rows: Rows = whole_payload,
    key: Callable[[Event[Any]], Hashable] = lambda _: None,
    zeros: Mapping[type, Rows] = MappingProxyType({}),
) -> Header:
    """What the metrics of a table share. Labels are those of `ENV`, or fewer of these, and then those of the rows."""
    depth = next(n for n in (3, 2, 1, 0) if labels[:n] == ENV[:n])

    def table(**columns: Column) -> Table:
        metrics = tuple(Metric(name, c.type, c.text, c.unit, labels, c.buckets) for name, c in columns.items())
        reads = tuple((name, column.read) for name, column in columns.items())
        return Table(lifetime, source, metrics, reads, rows, depth, key, zeros)

    return table


# A table for each lifetime; what it means is said there.
added = partial(header, Lifetime.ADDED)
of_seeds = partial(header, Lifetime.SEEDS)
of_episode = partial(header, Lifetime.EPISODE)
of_run = partial(header, Lifetime.RUN)
shared = partial(header, Lifetime.SHARED)
at_scrape = partial(header, Lifetime.SCRAPE, rows=whole)
