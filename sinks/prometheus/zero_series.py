"""Where does a counter begin? At 0 in every environment, as soon as its labels are known: Prometheus sees no birth."""

from nissa.sinks.prometheus.catalog import METRICS
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS, Totals
from nissa.sinks.prometheus.metric import ENV, Labels

__all__ = ["Openings"]

_SHARED = {m.name for m in METRICS.values() if m.type == "counter" and m.labels[:3] == ENV and len(m.labels) > 3}
"""Counters of an environment by something else: by blueprint, reason, gate, head."""


class Openings:
    """Which label values a run is known to have, and which environments: each has a series of each, from 0.

    Environments are those of which an episode was told to start. Only half of the label sets of a metric are spent on
    zeros, so that there is always room for what counts. The caller sees to it that one thread is here at a time.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._environments: dict[str, dict[Labels, None]] = {}
        self._known: dict[str, dict[tuple[str, Labels], None]] = {}

    def enter(self, at: Labels) -> None:
        """An episode starts in an environment."""
        environments = self._environments.setdefault(at[0], {})
        if at not in environments:
            environments[at] = None
            for name, rest in self._known.get(at[0], ()):
                self._totals.open(name, at + rest)

    def born(self, name: str, labels: Labels) -> None:
        """A counter has a new series, of which the other environments may come to have one too."""
        if name in _SHARED and labels[:3] in self._environments.get(labels[0], ()):
            self.know(labels[0], name, labels[3:])

    def know(self, run: str, name: str, rest: Labels) -> None:
        """A run may come to have a series with these labels beyond run, group and env."""
        known = self._known.setdefault(run, {})
        if (name, rest) not in known and len(known) < MAX_LABEL_SETS:
            known[name, rest] = None
            for at in self._environments.get(run, ()):
                self._totals.open(name, at + rest)

    def forget(self, run: str) -> None:
        """Give back what belongs to a run."""
        self._environments.pop(run, None)
        self._known.pop(run, None)
