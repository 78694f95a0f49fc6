"""How does the loss rise around the weights? In random directions and in the steepest one, on a fixed batch."""

from nissa.pipeline.probes.landscape.sharpness import explore_landscape, sharpness_measured, slope_of

__all__ = ["explore_landscape", "sharpness_measured", "slope_of"]
