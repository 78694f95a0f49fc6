"""How good a network is on the images that it was not trained on."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nissa.trainer.data import Digits

__all__ = ["Validation", "validate"]


class Validation(NamedTuple):
    """Samples, mean loss in nats, accuracy in percent, and which samples (n,) were recognized."""

    n: int
    loss: float
    accuracy: float
    right: Tensor


@torch.no_grad()
def validate(network: nn.Module, data: Digits) -> Validation:
    """Loss and accuracy on the validation images, in one batch."""
    logits: Tensor = network(data.val_images)
    right, n = logits.argmax(1) == data.val_labels, len(data.val_labels)
    return Validation(n, cross_entropy(logits, data.val_labels).item(), 100 * int(right.sum()) / n, right)
