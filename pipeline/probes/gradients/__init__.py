"""How large are gradients, and how are they spread? By layer, after the last backward pass and before clipping.

Each device reduces its own to norms, sums and a sketch of 4,096 bins; one copy brings them to the CPU.
"""

from nissa.pipeline.probes.gradients.gradients import gradients_begun, gradients_measured
from nissa.pipeline.probes.gradients.pending import PendingGradients
from nissa.pipeline.probes.gradients.step_gradients import StepGradients

__all__ = ["PendingGradients", "StepGradients", "gradients_begun", "gradients_measured"]
