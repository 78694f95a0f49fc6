"""Which metrics are there, and of which events? A file a subject; here is their order in the scrape.

A metric is one line in the table of its event: name, unit, meaning and reading. The head of the table says its labels
and how long it is true.
"""

from nissa.sinks.prometheus.lifetimes import Table
from nissa.sinks.prometheus.metrics import (
    alerts,
    analytics,
    assessment,
    blueprints,
    cluster,
    layers,
    pipeline,
    policy,
    ranks,
    run,
    scalars,
    seeds,
    slots,
    training,
    validation,
    verdict,
)
from nissa.sinks.prometheus.metrics.cluster import ClusterState
from nissa.sinks.prometheus.metrics.pipeline import NOTHING_YET
from nissa.sinks.prometheus.metrics.run import LIVENESS

__all__ = ["LIVENESS", "NOTHING_YET", "TABLES", "ClusterState"]

TABLES: tuple[Table, ...] = (
    # What tells whether the numbers can be trusted comes first.
    *pipeline.TABLES,
    *run.TABLES,
    *scalars.TABLES,
    *verdict.TABLES,
    *analytics.TABLES,
    *training.TABLES,
    *assessment.TABLES,
    *layers.TABLES,
    *validation.TABLES,
    *slots.TABLES,
    *seeds.TABLES,
    *blueprints.TABLES,
    *policy.TABLES,
    *alerts.TABLES,
    *cluster.TABLES,
    *ranks.TABLES,
)
