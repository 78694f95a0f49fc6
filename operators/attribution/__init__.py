"""What is each seed worth to the trained network, and what are two worth together? Shapley values with intervals."""

from nissa.operators.attribution.attribution import attribute_seeds
from nissa.operators.attribution.matrix import ablations

__all__ = ["ablations", "attribute_seeds"]
