"""What is worth a look without being a fault? A gate that did not open, and a seed that entered a new stage.

A failed gate stands until a gate of that slot opens, or its stage changes: a gate that is tried again each epoch is
marked once. A new stage is over as soon as it has been marked, and so is whatever was out of order in the slot.
"""

from collections.abc import Iterator

from nissa.events.event import Scope
from nissa.events.kinds import AlertRaised, AlertResolved, GateEvaluated, StageChanged
from nissa.operators.alerts.active_alerts import Alerts, Key, follow, of, resolve

__all__ = ["gate_failure", "stage_transition"]


def gate_failure(alerts: Alerts, scope: Scope, gate: GateEvaluated) -> Iterator[AlertRaised | AlertResolved]:
    """Take an evaluation in."""
    mark = _mark("gate_failure", gate.slot, f"{gate.gate} of {gate.slot} did not open: {gate.reason}")
    yield from follow(alerts, scope, of(mark), None if gate.passed else mark, calm=1)


def stage_transition(alerts: Alerts, scope: Scope, move: StageChanged) -> Iterator[AlertRaised | AlertResolved]:
    """Take a change of stage in; a trainer that tells the stage again and again has not changed it."""
    if move.from_stage == move.to_stage:
        return

    def of_slot(key: Key) -> bool:
        return key[1] == move.slot

    yield from resolve(alerts, "stage_changed", of_slot)
    mark = _mark("stage_transition", move.slot, f"{move.slot}: {move.from_stage} to {move.to_stage}")
    yield from follow(alerts, scope, of(mark), mark, calm=1)
    yield from resolve(alerts, "mark", of_slot)


def _mark(alert: str, slot: str, what: str) -> AlertRaised:
    return AlertRaised(alert=alert, severity="info", subject=slot, clause="mark", what=what)
