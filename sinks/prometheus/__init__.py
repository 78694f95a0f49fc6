"""How does a run stand, for whoever scrapes it? The collector, the server of /metrics, and a recorded run's past.

`METRICS` is every metric that is exported: the one table that dashboards and rules read. `SOURCES` says what feeds
each.
"""

from nissa.sinks.prometheus.backfill import Backfill
from nissa.sinks.prometheus.catalog import METRICS, SOURCES
from nissa.sinks.prometheus.cluster_collector import ClusterCollector
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from nissa.sinks.prometheus.field_readings import Reading, readings
from nissa.sinks.prometheus.metric import Metric
from nissa.sinks.prometheus.metrics import NOTHING_YET, ClusterState
from nissa.sinks.prometheus.server import MetricsServer

__all__ = [
    "MAX_LABEL_SETS",
    "METRICS",
    "NOTHING_YET",
    "SOURCES",
    "Backfill",
    "ClusterCollector",
    "ClusterState",
    "Metric",
    "MetricsServer",
    "PrometheusSink",
    "Reading",
    "readings",
]
