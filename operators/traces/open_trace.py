"""What does one dense trace hold? The batches around its triggers, and what was measured near them, within bounds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    BatchCompleted,
    GateEvaluated,
    GradientsMeasured,
)
from nissa.operators.traces.nearby import USUAL, Moment, Norms, came_after, moment, thin

__all__ = ["LIMITS", "Capture"]

LIMITS: Mapping[str, int] = {"alerts": 64, "gates": 32, "gradients": 8, "activations": 8}
"""Rows of a trace; what there is no room for is counted. Of alerts and gates the first are kept; of measurements the
first four, which are the two before the first alert and the two after it, and the others evenly."""

_NEAREST = 4
_NAMES: Mapping[type, str] = {
    GateEvaluated: "gates",
    GradientsMeasured: "gradients",
    ActivationsMeasured: "activations",
}


@dataclass(slots=True)
class Capture:
    """A trace that is open."""

    group: str | None
    env: int | None
    episode: int | None
    before: list[Event[BatchCompleted]]
    heard: float
    """Time of the last event of its environment."""
    wanted: int = 0
    """Batches that are still to come."""
    after: list[Event[BatchCompleted]] = field(default_factory=list)
    alert: Moment | None = None
    """When the first was raised that is no mark."""
    norms: Sequence[Norms] = ()
    """Measured before it."""
    reasons: dict[str, None] = field(default_factory=dict)
    rows: defaultdict[str, list[Event[Any]]] = field(default_factory=lambda: defaultdict(list))
    left_out: Counter[str] = field(default_factory=Counter)

    def trigger(self, alert: str, window: int, most: int) -> None:
        """An alert or a mark asks for `window` batches from here on, but never more than `most` in all."""
        self.reasons[alert] = None
        self.wanted = min(max(window, self.wanted), most - len(self.after))

    def reach_back(self, ring: Iterable[Event[BatchCompleted]]) -> None:
        """Take what the ring still holds of the time before the trace was opened."""
        older = list(ring)
        older = older[: max(0, len(older) - len(self.after))]
        self.before = max(self.before, older, key=len)

    def look_closely(self, alert: Moment, last: Iterable[Sequence[Event[Any]]], norms: Iterable[Norms]) -> None:
        """Keep measurements from the first alert on, and of the `last` ones of each kind two that came before it."""
        if self.alert:
            return
        self.alert = alert
        self.norms = [row for row in norms if not came_after(row.when, alert)][-USUAL:]
        for events in last:
            late = [event for event in events if self.is_late(event)]
            for event in [*[event for event in events if event not in late][-2:], *late]:
                self.measure(event)

    def name(self, event: Event[AlertRaised]) -> None:
        """Keep an alert."""
        self._keep("alerts", event)

    def measure(self, event: Event[Any]) -> None:
        """Keep a gate, or a measurement if there was an alert: a mark alone is about no layer."""
        name = _NAMES[type(event.payload)]
        if name == "gates":
            self._keep(name, event)
        elif self.alert:
            self.rows[name].append(event)
            self.left_out[name] += thin(self.rows[name], LIMITS[name], _NEAREST)

    def is_late(self, event: Event[Any]) -> bool:
        """Whether something was measured in what raised the first alert, or later."""
        return self.alert is not None and came_after(moment(event), self.alert)

    def _keep(self, name: str, event: Event[Any]) -> None:
        if len(self.rows[name]) < LIMITS[name]:
            self.rows[name].append(event)
        else:
            self.left_out[name] += 1
