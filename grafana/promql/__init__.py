"""What does a panel ask? PromQL limited to what the reader chose, each run once, and of a run that is gone its last."""

from nissa.grafana.promql.gone_runs import GOING_ON, PROCESS, described, heartbeat, held, held_all, silence, since
from nissa.grafana.promql.queries import (
    AT_THE_END,
    FIRING,
    Query,
    increase,
    largest,
    median,
    of,
    once,
    rate,
    spread,
    summed,
    total,
)

__all__ = [
    "AT_THE_END",
    "FIRING",
    "GOING_ON",
    "PROCESS",
    "Query",
    "described",
    "heartbeat",
    "held",
    "held_all",
    "increase",
    "largest",
    "median",
    "of",
    "once",
    "rate",
    "silence",
    "since",
    "spread",
    "summed",
    "total",
]
