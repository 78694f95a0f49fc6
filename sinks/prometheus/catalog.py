"""Every metric of /metrics, and how it follows from events: the one table that is exported, drawn and alerted on."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from nissa.events.event import Event
from nissa.sinks.prometheus.lifetimes import Lifetime, Table
from nissa.sinks.prometheus.metric import Metric
from nissa.sinks.prometheus.metrics import TABLES, ClusterState
from nissa.sinks.prometheus.rows import Rows

__all__ = [
    "ADDED",
    "AT_SCRAPE",
    "LATEST",
    "METRICS",
    "OF_CLUSTER",
    "OF_EPISODE",
    "OF_SEEDS",
    "SHARED",
    "SOURCES",
    "ZEROS",
]

METRICS: Mapping[str, Metric] = {metric.name: metric for table in TABLES for metric in table.metrics}
"""Every metric by its name."""

SOURCES: Mapping[str, type] = {metric.name: table.source for table in TABLES for metric in table.metrics}
"""What feeds each: a kind of event, or the type of what is known at a scrape."""

OF_CLUSTER = frozenset(name for name, source in SOURCES.items() if source is ClusterState)
"""Those that the watchdog of a cluster exports, and no process with a run; all others are the other way round."""


def _by_source(*lifetimes: Lifetime) -> Mapping[type, tuple[Table, ...]]:
    tables: defaultdict[type, tuple[Table, ...]] = defaultdict(tuple)
    for table in TABLES:
        if table.lifetime in lifetimes:
            tables[table.source] += (table,)
    return dict(tables)


AT_SCRAPE = _by_source(Lifetime.SCRAPE)
"""Values that are worked out of what is known, by its type."""

LATEST = _by_source(Lifetime.SEEDS, Lifetime.EPISODE, Lifetime.RUN, Lifetime.SHARED)
"""Values that the last event of a kind sets, read at scrape time."""

ADDED = _by_source(Lifetime.ADDED)
"""Amounts that each event of a kind adds."""

OF_SEEDS = frozenset(_by_source(Lifetime.SEEDS))
"""Kinds that are gone once the network has other seeds than it had."""

OF_EPISODE = frozenset(_by_source(Lifetime.EPISODE)) | OF_SEEDS
"""Kinds that are gone once the next episode starts."""

SHARED: Mapping[type, Callable[[Event[Any]], Hashable]] = {
    kind: tables[0].key for kind, tables in _by_source(Lifetime.SHARED).items()
}
"""Kinds that are no environment's own, and what tells events of them apart in a run."""


def _zeros() -> Mapping[type, tuple[tuple[Table, Rows], ...]]:
    zeros: defaultdict[type, tuple[tuple[Table, Rows], ...]] = defaultdict(tuple)
    for table in TABLES:
        for kind, rows in table.zeros.items():
            zeros[kind] += ((table, rows),)
    return dict(zeros)


ZEROS = _zeros()
"""Series that an event makes known before they count, with the tables whose series they are."""
