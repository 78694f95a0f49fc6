"""How does a job over many runs do, for whoever scrapes its watchdog?

>>> state = ClusterState(runs=2, stalled={"night/run-1": 90.0}, up=False, checkpoints_failed=3, restarts=1)
>>> found = [sample for family in ClusterCollector(lambda: state).collect() for sample in family.samples]
>>> {sample.name: sample.value for sample in found if "run" in sample.labels or sample.name.endswith("_up")}
{'nissa_cluster_up': 0.0, 'nissa_cluster_run_stalled_seconds': 90.0}
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from prometheus_client import Metric as Family
from prometheus_client.registry import Collector

from nissa.sinks.prometheus.catalog import AT_SCRAPE, OF_CLUSTER, SOURCES
from nissa.sinks.prometheus.metrics import ClusterState
from nissa.sinks.prometheus.render import Values, families, read
from nissa.sinks.prometheus.snapshot import ScrapeAccount

__all__ = ["ClusterCollector"]

_NAMES = [name for name, source in SOURCES.items() if name in OF_CLUSTER or source is ScrapeAccount]
"""By an account of scrapes dashboards know a process."""


class ClusterCollector(Collector):
    """Asks for the state at each scrape; one at a time."""

    def __init__(self, state: Callable[[], ClusterState]) -> None:
        self._state, self._account = state, ScrapeAccount()

    def describe(self) -> Iterable[Family]:
        """The families without samples, which a registry needs to serve some of them alone."""
        return families({}, {}, _NAMES)

    def collect(self) -> Iterable[Family]:
        """All families, with what is known now."""
        values: Values = defaultdict(dict)
        began, so_far, state = time.perf_counter(), self._account, self._state()
        for source in (state, so_far):
            read(values, AT_SCRAPE[type(source)], (), source)
        spent = time.perf_counter() - began
        self._account = so_far._replace(scrapes=so_far.scrapes + 1, seconds=so_far.seconds + spent)
        return families(values, {}, _NAMES)
