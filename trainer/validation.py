"""How good a network is on the images that it was not trained on."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.events.kinds import ClassesMeasured
from nissa.pipeline.probes.per_class import classes_measured
from nissa.trainer.digits import Digits

__all__ = ["Validation", "validate"]


class Validation(NamedTuple):
    """Samples, mean loss in nats, accuracy in percent, and how each class fares."""

    n: int
    loss: float
    accuracy: float
    classes: ClassesMeasured


@torch.no_grad()
def validate(network: nn.Module, data: Digits) -> Validation:
    """Loss and accuracy on the validation images, in one batch."""
    logits: Tensor = network(data.val_images)
    loss = cross_entropy(logits, data.val_labels).item()
    classes = classes_measured(logits, data.val_labels)
    right, n = sum(row[label] for label, row in enumerate(classes.confusion)), len(data.val_labels)
    return Validation(n, loss, 100 * right / n, classes)
