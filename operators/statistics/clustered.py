"""What is the mean of values that are not independent of each other, because they come in clusters?

The seeds of one environment share its twin, and its luck. So the mean is one over clusters, of a mean of each cluster's
values first, and so is its interval; clusters are independent.

>>> gains = Clustered()
>>> for env, gain in [(0, 1.0), (0, 3.0), (1, 6.0)]:
...     gains.add(env, gain)
>>> gains.interval().mean, gains.n, len(gains.clusters)
(4.0, 3, 2)
"""

from collections.abc import Hashable
from dataclasses import dataclass, field

from nissa.operators.statistics.moments import Moments
from nissa.operators.statistics.student_t import Interval, t_interval

__all__ = ["MAX_CLUSTERS", "Clustered"]

MAX_CLUSTERS = 4096
"""Of more, the one that came first is forgotten."""


@dataclass(slots=True)
class Clustered:
    """Moments of each cluster."""

    clusters: dict[Hashable, Moments] = field(default_factory=dict)
    found: Interval | None = None
    """What `interval` found; forgotten when a value comes."""

    def add(self, cluster: Hashable, value: float) -> None:
        """Take one value of a cluster in."""
        self.found = None
        if cluster not in self.clusters:
            self.clusters[cluster] = Moments()
            if len(self.clusters) > MAX_CLUSTERS:
                del self.clusters[next(iter(self.clusters))]
        self.clusters[cluster].add(value)

    def merge(self, other: "Clustered") -> "Clustered":
        """Both together; a cluster may be in both."""
        names = list(dict.fromkeys((*self.clusters, *other.clusters)))[-MAX_CLUSTERS:]
        parts = ((name, self.clusters.get(name, Moments()), other.clusters.get(name, Moments())) for name in names)
        merged = Clustered({name: left.merge(right) for name, left, right in parts})
        merged.interval()
        return merged

    @property
    def n(self) -> int:
        """Values in all clusters."""
        return sum(moments.count for moments in self.clusters.values())

    def interval(self) -> Interval:
        """The mean over clusters and its 95% interval."""
        if self.found is None:
            self.found = t_interval(moments.total_mean for moments in self.clusters.values())
        return self.found
