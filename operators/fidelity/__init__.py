"""How closely should probes look, and how often? Closely while an alert is active, and within a budget of each."""

from nissa.operators.fidelity.escalation import escalate
from nissa.operators.fidelity.governor import govern

__all__ = ["escalate", "govern"]
