"""How closely should probes look? Closely while an alert is active, for a while after, and within a budget."""

from nissa.operators.fidelity.escalation import escalate

__all__ = ["escalate"]
