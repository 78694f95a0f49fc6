"""How does a model do on a batch that it was not trained on? By class, and layer by layer."""

from nissa.pipeline.probes.validation.per_class import classes_measured
from nissa.pipeline.probes.validation.validation import Batch, validate

__all__ = ["Batch", "classes_measured", "validate"]
