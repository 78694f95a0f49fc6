"""How does the job over many runs do? What its watchdog tells, a process of its own: no run tells any of it."""

from collections.abc import Mapping
from typing import NamedTuple

from nissa.sinks.prometheus.lifetimes import at_scrape
from nissa.sinks.prometheus.metric import Labels, counter, gauge
from nissa.sinks.prometheus.rows import Row

__all__ = ["TABLES", "ClusterState"]


class ClusterState(NamedTuple):
    """What a watchdog knows of a job."""

    runs: int
    """Runs that have not told their end."""
    stalled: Mapping[str, float]
    """Seconds, by run."""
    up: bool | None
    """Whether the job runs; None where nobody is asked."""
    checkpoints_failed: int
    restarts: int


def _stalled(at: Labels, state: ClusterState) -> list[Row]:
    return [((*at, run), seconds) for run, seconds in state.stalled.items()]


TABLES = (
    at_scrape(ClusterState, ())(
        nissa_cluster_up=gauge("1", "1 while the cluster answers and runs the job, 0 while it does not.", "up"),
        nissa_cluster_runs=gauge("runs", "Runs below the watched folder that have not told their end.", "runs"),
        nissa_cluster_checkpoints_failed_total=counter(
            "checkpoints", "Checkpoints of the job that failed.", "checkpoints_failed"
        ),
        nissa_cluster_restarts_total=counter("restarts", "Times that the job was started again.", "restarts"),
    ),
    at_scrape(ClusterState, ("run",), rows=_stalled)(
        nissa_cluster_run_stalled_seconds=gauge(
            "seconds", "Time for which lines of the run, named by its directory, wait and none is read.", float
        ),
    ),
)
