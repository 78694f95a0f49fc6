"""How does a model do on a batch that it was not trained on? By class, and layer by layer."""

from nissa.pipeline.probes.validation.per_class import classes_measured
from nissa.pipeline.probes.validation.validation import Batch, Forward, validate

__all__ = ["Batch", "Forward", "classes_measured", "validate"]
