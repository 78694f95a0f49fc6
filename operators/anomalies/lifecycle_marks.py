"""Marks, worth a look without being a fault: a gate that did not open, and a seed that entered a new stage.

A failed gate stands until a gate of that slot opens, or its stage changes: a gate that is tried again each epoch is
marked once. A new stage is over as soon as it has been marked, and so is whatever was out of order in the slot.
"""

from nissa.events.event import Scope
from nissa.events.kinds import GateEvaluated, StageChanged
from nissa.events.vocabulary import GATE_FAILURE, STAGE_TRANSITION
from nissa.operators.alerts import ActiveAlerts, AlertEvents, AlertKey, Finding, resolve, update_alert
from nissa.operators.anomalies.non_finite import outputs_of

__all__ = ["gate_failure", "stage_transition"]


def gate_failure(alerts: ActiveAlerts, scope: Scope, gate: GateEvaluated) -> AlertEvents:
    """Take an evaluation in."""
    mark = Finding(f"{gate.gate} of {gate.slot} did not open: {gate.reason}", None, "mark")
    yield from update_alert(alerts, scope, (GATE_FAILURE, gate.slot), None if gate.passed else mark, calm=1)


def stage_transition(alerts: ActiveAlerts, scope: Scope, move: StageChanged) -> AlertEvents:
    """Take a change of stage in; a trainer that tells the stage again and again has not changed it."""
    if move.from_stage == move.to_stage:
        return

    def of_slot(key: AlertKey) -> bool:
        return key[1] in (move.slot, outputs_of(move.slot))

    yield from resolve(alerts, "stage_changed", of_slot)
    mark = Finding(f"{move.slot}: {move.from_stage} to {move.to_stage}", None, "mark")
    yield from update_alert(alerts, scope, (STAGE_TRANSITION, move.slot), mark, calm=1)
    yield from resolve(alerts, "mark", of_slot)
