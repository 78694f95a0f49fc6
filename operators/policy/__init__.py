"""Is the policy healthy? Collapse of entropy and value, and updates that went too far."""

from nissa.operators.policy.collapse import policy_collapse
from nissa.operators.policy.update_spikes import policy_spikes

__all__ = ["policy_collapse", "policy_spikes"]
