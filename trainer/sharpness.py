"""How sharp the minimum is that an episode ends in, on the images that it was not trained on."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from nissa.events.kinds import SharpnessMeasured
from nissa.pipeline.probes.sharpness import sharpness_measured
from nissa.trainer.digits import Digits
from nissa.trainer.model import Model

__all__ = ["sharpness"]


def sharpness(model: Model, data: Digits) -> SharpnessMeasured:
    """Of the validation loss, with its own gradient for the steepest direction; what has no part in it has none."""

    def loss() -> Tensor:
        return cross_entropy(model(data.val_images), data.val_labels)

    params = [p for p in model.parameters() if p.requires_grad]
    slope = torch.autograd.grad(loss(), params, allow_unused=True)
    return sharpness_measured(model, loss, slope)
