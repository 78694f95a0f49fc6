"""How are many gradients reduced at a price that does not grow with their number? By groups, in memory that is kept.

This is for plain gradients: float32, dense, in the memory of the CPU. Between backward pass and optimizer all caches
are cold, so each object that is touched costs; small gradients are copied side by side and reduced together.
"""

from nissa.pipeline.probes.gradients.grouped.limits import Limits
from nissa.pipeline.probes.gradients.grouped.look import looked
from nissa.pipeline.probes.gradients.grouped.plan import Layers, Plan

__all__ = ["Layers", "Limits", "Plan", "looked"]
