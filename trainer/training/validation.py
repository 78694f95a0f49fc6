"""How good a network is on the images that it was not trained on."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.trainer.data import Digits

__all__ = ["Validation", "measure", "validate"]


class Validation(NamedTuple):
    """Samples, mean loss in nats, accuracy in percent, and which samples (n,) were recognized."""

    n: int
    loss: float
    accuracy: float
    right: Tensor


def validate(network: nn.Module, data: Digits) -> Validation:
    """Loss and accuracy on the validation images."""
    return measure(network, data.val_images, data.val_labels)


@torch.no_grad()
def measure(network: nn.Module, images: Tensor, labels: Tensor) -> Validation:
    """Loss and accuracy on images (n, 1, 8, 8) with labels (n,), in one batch."""
    logits: Tensor = network(images)
    right, n = logits.argmax(1) == labels, len(labels)
    return Validation(n, cross_entropy(logits, labels).item(), 100 * int(right.sum()) / n, right)
