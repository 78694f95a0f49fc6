"""What goes on inside a torch model? Probes read it, and change nothing; `Watch` calls those that are configured.

Whoever imports from here imports torch; the rest of the pipeline does not.
"""

from nissa.pipeline.probes.counterfactual import counterfactual_measured
from nissa.pipeline.probes.gradients import StepGradients
from nissa.pipeline.probes.isolation import forward_leakage, leakage
from nissa.pipeline.probes.model import Pending, untouched
from nissa.pipeline.probes.phases import Phases
from nissa.pipeline.probes.watch import Follow, Watch

__all__ = [
    "Follow",
    "Pending",
    "Phases",
    "StepGradients",
    "Watch",
    "counterfactual_measured",
    "forward_leakage",
    "leakage",
    "untouched",
]
