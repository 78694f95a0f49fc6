"""What do layers put out? Recorded in one forward pass: moments, dead and dormant units, effective rank."""

from nissa.pipeline.probes.activations.activations import activations_measured, recordable, recorded
from nissa.pipeline.probes.activations.layer_outputs import Output

__all__ = ["Output", "activations_measured", "recordable", "recorded"]
