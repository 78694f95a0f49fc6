"""How good a network is on the images that it was not trained on."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.trainer.digits import N_CLASSES, Digits

__all__ = ["Validation", "validate"]


class Validation(NamedTuple):
    """Samples, mean loss in nats, accuracy in percent, and accuracy in percent by class."""

    n: int
    loss: float
    accuracy: float
    per_class: dict[str, float]


@torch.no_grad()
def validate(network: nn.Module, data: Digits) -> Validation:
    """Loss and accuracy on the validation images, in one batch."""
    logits: Tensor = network(data.val_images)
    hits = logits.argmax(1) == data.val_labels
    right = torch.bincount(data.val_labels[hits], minlength=N_CLASSES)
    there = torch.bincount(data.val_labels, minlength=N_CLASSES)
    by_class: list[float] = (100 * right / there).tolist()
    loss = cross_entropy(logits, data.val_labels).item()
    accuracy = 100 * int(right.sum()) / len(hits)
    return Validation(len(hits), loss, accuracy, {str(label): found for label, found in enumerate(by_class)})
