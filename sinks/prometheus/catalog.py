"""Every metric of /metrics, and how it follows from events: the one table that is exported, drawn and alerted on."""

from collections import defaultdict
from collections.abc import Mapping

from nissa.sinks.prometheus.metric import Metric, Reading, Readings
from nissa.sinks.prometheus.metrics import activations as activation_metrics
from nissa.sinks.prometheus.metrics import alerts as alert_metrics
from nissa.sinks.prometheus.metrics import assessment as assessment_metrics
from nissa.sinks.prometheus.metrics import layers as layer_metrics
from nissa.sinks.prometheus.metrics import memory as memory_metrics
from nissa.sinks.prometheus.metrics import pipeline as pipeline_metrics
from nissa.sinks.prometheus.metrics import policy as policy_metrics
from nissa.sinks.prometheus.metrics import run as run_metrics
from nissa.sinks.prometheus.metrics import seeds as seed_metrics
from nissa.sinks.prometheus.metrics import slots as slot_metrics
from nissa.sinks.prometheus.metrics import traces as trace_metrics
from nissa.sinks.prometheus.metrics import training as training_metrics
from nissa.sinks.prometheus.metrics import validation as validation_metrics

__all__ = ["COUNTS", "GAUGES", "KNOWN", "METRICS", "Metric"]

# What tells whether the numbers can be trusted comes first.
_TABLE = (
    *pipeline_metrics.METRICS,
    *run_metrics.METRICS,
    *memory_metrics.METRICS,
    *training_metrics.METRICS,
    *assessment_metrics.METRICS,
    *layer_metrics.METRICS,
    *activation_metrics.METRICS,
    *validation_metrics.METRICS,
    *slot_metrics.METRICS,
    *seed_metrics.METRICS,
    *policy_metrics.METRICS,
    *alert_metrics.METRICS,
    *trace_metrics.METRICS,
)


def _by_kind(*tables: Readings) -> dict[type, tuple[Reading, ...]]:
    readings: defaultdict[type, tuple[Reading, ...]] = defaultdict(tuple)
    for table in tables:
        for kind, reading in table.items():
            readings[kind] += (reading,)
    return dict(readings)


METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _TABLE}
"""Every metric by its name."""

GAUGES = _by_kind(
    run_metrics.GAUGES,
    memory_metrics.GAUGES,
    training_metrics.GAUGES,
    assessment_metrics.GAUGES,
    layer_metrics.GAUGES,
    activation_metrics.GAUGES,
    validation_metrics.GAUGES,
    slot_metrics.GAUGES,
    seed_metrics.GAUGES,
    policy_metrics.GAUGES,
)
"""Values that the last event of a kind sets, read at scrape time."""

COUNTS = _by_kind(
    run_metrics.COUNTS,
    slot_metrics.COUNTS,
    seed_metrics.COUNTS,
    policy_metrics.COUNTS,
    alert_metrics.COUNTS,
    trace_metrics.COUNTS,
)
"""Amounts that each event of a kind adds; a 0 makes a series known before it counts."""

KNOWN = _by_kind(slot_metrics.KNOWN, seed_metrics.KNOWN, policy_metrics.KNOWN)
"""Series that an event names before they count: labels are those beyond run, group and env, amounts are 0."""
