"""Is the policy healthy? Collapse of entropy and value, updates that went too far, and updates that stopped."""

from nissa.operators.policy.collapse import COLLAPSE_LIMITS, policy_collapse
from nissa.operators.policy.figures import normalized_entropy
from nissa.operators.policy.stalled import policy_stalled
from nissa.operators.policy.update_spikes import SPIKE_LIMITS, policy_spikes

__all__ = [
    "COLLAPSE_LIMITS",
    "SPIKE_LIMITS",
    "normalized_entropy",
    "policy_collapse",
    "policy_spikes",
    "policy_stalled",
]
