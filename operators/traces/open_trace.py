"""A dense trace that is open: batches around its triggers, and what was measured and done near them, within bounds."""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from nissa.events.event import Env, Event
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    BatchCompleted,
    GateEvaluated,
    GradientsMeasured,
)
from nissa.operators.traces.happenings import Happening

__all__ = ["LIMITS", "USUAL", "Instant", "Norms", "OpenTrace", "decimate", "instant", "norms_of"]

LIMITS: Mapping[str, int] = {"alerts": 64, "gates": 32, "gradients": 8, "activations": 8}
"""Rows of a trace; what there is no room for is counted. Of alerts and gates the first are kept; of measurements the
first four, which are the two before the first alert and the two after it, and the others evenly."""
USUAL = 16
"""Measurements of the gradients before an alert that say which norms were usual."""

_NEAREST = 4
_NAMES: Mapping[type, str] = {
    GateEvaluated: "gates",
    GradientsMeasured: "gradients",
    ActivationsMeasured: "activations",
}


class Instant(NamedTuple):
    """When something was measured or raised."""

    seq: int
    epoch: int | None
    batch: int | None

    def at_or_after(self, alert: "Instant") -> bool:
        """Whether a measurement was made in what raised an alert, or later.

        One that waits for a GPU arrives late, and one of the alert's own batch before the batch is told: where both
        say in which batch of the same epoch they were, that counts.
        """
        if self.batch is None or alert.batch is None or self.epoch is None or self.epoch != alert.epoch:
            return self.seq >= alert.seq
        return self.batch >= alert.batch


class Norms(NamedTuple):
    """A measurement of the gradients, in short."""

    when: Instant
    layers: dict[str, float]


@dataclass(slots=True)
class OpenTrace:
    """What is kept of one environment from now on."""

    group: str | None
    env: Env | None
    episode: int | None
    before: list[Event[BatchCompleted]]
    heard: float
    """Time of the last event of its environment."""
    wanted: int = 0
    """Batches that are still to come."""
    after: list[Event[BatchCompleted]] = field(default_factory=list)
    alert: Instant | None = None
    """When the first was raised that is no mark."""
    norms: Sequence[Norms] = ()
    """Measured before it."""
    happened: list[Happening] = field(default_factory=list)
    """What was done before it."""
    of_policy: bool = False
    """Whether it is about the policy, and not about the environment where it is traced."""
    reasons: dict[str, None] = field(default_factory=dict)
    rows: dict[str, list[Event[Any]]] = field(default_factory=lambda: {name: [] for name in LIMITS})
    left_out: Counter[str] = field(default_factory=Counter)

    def trigger(self, alert: str, window: int, most: int) -> None:
        """Wait for `window` batches from here on, as an alert or a mark asks, but never for more than `most` in all."""
        self.reasons[alert] = None
        self.wanted = min(max(window, self.wanted), most - len(self.after))

    def reach_back(self, ring: Iterable[Event[BatchCompleted]]) -> None:
        """Take what the ring still holds of the time before the trace was opened."""
        older = list(ring)
        older = older[: max(0, len(older) - len(self.after))]
        self.before = max(self.before, older, key=len)

    def look_closely(self, alert: Instant, last: Iterable[Sequence[Event[Any]]], norms: Iterable[Norms]) -> None:
        """Keep measurements from the first alert on, and of the `last` ones of each kind two that came before it."""
        if self.alert:
            return
        self.alert = alert
        self.norms = [row for row in norms if not row.when.at_or_after(alert)][-USUAL:]
        for events in last:
            late = [event for event in events if self.is_late(event)]
            for event in [*[event for event in events if event not in late][-2:], *late]:
                self.add_measurement(event)

    def add_alert(self, event: Event[AlertRaised]) -> None:
        """Keep an alert."""
        self._keep("alerts", event)

    def add_measurement(self, event: Event[Any]) -> None:
        """Keep a gate, or a measurement if there was an alert: a mark alone is about no layer."""
        name = _NAMES[type(event.payload)]
        if name == "gates":
            self._keep(name, event)
        elif self.alert:
            self.rows[name].append(event)
            self.left_out[name] += decimate(self.rows[name], LIMITS[name], _NEAREST, self._batches)

    def add_happening(self, done: Happening) -> None:
        """Keep what turns out to have been done before the first alert, if that is about this environment.

        What became of the accuracy was measured after the alert, which may be what moved it.
        """
        if self.alert and done.seq < self.alert.seq and not self.of_policy:
            self.happened.append(done._replace(change=None, basis=None))

    def is_late(self, event: Event[Any]) -> bool:
        """Whether something was measured in what raised the first alert, or later."""
        return self.alert is not None and instant(event).at_or_after(self.alert)

    def _batches(self, measured: Event[Any]) -> int:
        """How many batches of the trace came before a measurement. Numbers of events count those of others, too."""
        return sum(bisect(batches, measured.seq, key=lambda row: row.seq) for batches in (self.before, self.after))

    def _keep(self, name: str, event: Event[Any]) -> None:
        if len(self.rows[name]) < LIMITS[name]:
            self.rows[name].append(event)
        else:
            self.left_out[name] += 1


def instant(event: Event[Any]) -> Instant:
    """When something was measured."""
    return Instant(event.seq, event.scope.epoch, getattr(event.payload, "batch", None))


def norms_of(event: Event[GradientsMeasured]) -> Norms:
    """A measurement in short; a layer whose norm was not measured is not in it."""
    layers = {name: layer.norm for name, layer in event.payload.layers.items() if layer.norm is not None}
    return Norms(instant(event), layers)


def decimate(rows: list[Any], most: int, nearest: int, at: Callable[[Any], int]) -> int:
    """Make room: of those between the first `nearest` and the last, the one with the least gap goes. How many went.

    `at` says where a row is.

    >>> rows = [1, 2, 3, 10, 11, 20]
    >>> decimate(rows, most=5, nearest=2, at=int), rows
    (1, [1, 2, 10, 11, 20])
    """
    if len(rows) <= most:
        return 0
    where = [at(row) for row in rows]
    del rows[min(range(nearest, len(rows) - 1), key=lambda row: where[row + 1] - where[row - 1])]
    return 1
