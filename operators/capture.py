"""What does one dense trace hold? The batches around its triggers, and what was measured near them, within bounds."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    BatchCompleted,
    DenseTraceCaptured,
    GateEvaluated,
    GradientsMeasured,
)
from nissa.events.scope import Event
from nissa.operators.traced import traced_activations, traced_alert, traced_batch, traced_gate, traced_gradients

__all__ = ["LIMITS", "Capture"]

LIMITS: Mapping[str, int] = {"alerts": 64, "gates": 32, "gradients": 8, "activations": 8}
"""Rows of a trace. The first ones, which are nearest to what opened it, are kept; the others are counted."""

_MEASURED: Mapping[type, tuple[str, Callable[[Event[Any]], Any]]] = {
    GateEvaluated: ("gates", traced_gate),
    GradientsMeasured: ("gradients", traced_gradients),
    ActivationsMeasured: ("activations", traced_activations),
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
    reasons: dict[str, None] = field(default_factory=dict)
    rows: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
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

    def name(self, event: Event[AlertRaised], batch: int | None) -> None:
        """Keep an alert."""
        if self._room("alerts"):
            self.rows["alerts"].append(traced_alert(event, batch))

    def measure(self, event: Event[Any]) -> None:
        """Keep a gate or a measurement."""
        name, trace = _MEASURED[type(event.payload)]
        if self._room(name):
            self.rows[name].append(row := trace(event))
            if name != "gates" and (layers := len(event.payload.layers) - len(row.layers)):
                self.left_out["layers"] += layers

    def close(self, why: str) -> DenseTraceCaptured | None:
        """The trace as an event; None without a batch, which is what it is about."""
        if not (batches := [*self.before, *self.after]):
            return None
        return DenseTraceCaptured(
            group=self.group,
            env=self.env,
            episode=self.episode,
            reasons=list(self.reasons),
            first_epoch=batches[0].scope.epoch,
            last_epoch=batches[-1].scope.epoch,
            batches_before=[traced_batch(event) for event in self.before],
            batches_after=[traced_batch(event) for event in self.after],
            gradients=self.rows["gradients"],
            activations=self.rows["activations"],
            gates=self.rows["gates"],
            alerts=self.rows["alerts"],
            closed=why,
            left_out=dict(self.left_out),
        )

    def _room(self, name: str) -> bool:
        if len(self.rows[name]) < LIMITS[name]:
            return True
        self.left_out[name] += 1
        return False
