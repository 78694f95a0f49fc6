"""A seed: a module made from a blueprint, with a name, an optimizer of its own and what it was born with."""

import torch
from torch import Tensor, nn

from nissa.trainer.data import seeded
from nissa.trainer.network.blueprints import BLUEPRINTS
from nissa.trainer.network.flops import seed_flops
from nissa.trainer.network.host import n_params
from nissa.trainer.network.optimizer import new_optimizer

__all__ = ["Seed"]


class Seed(nn.Module):
    """What grows in a slot.

    `name` is unique in the run, `blend` the curve of its blending, `torch_seed` what its weights are drawn from, and
    `accuracy` the validation accuracy in percent at germination. Raises KeyError for a blueprint that there is not.
    """

    def __init__(
        self, name: str, blueprint: str, blend: str, channels: int, *, torch_seed: int, accuracy: float
    ) -> None:
        super().__init__()
        self.name, self.blueprint, self.blend, self.accuracy = name, blueprint, blend, accuracy
        with seeded(torch_seed):
            self.body = BLUEPRINTS[blueprint](channels)
        self.optimizer: torch.optim.Optimizer = new_optimizer(self)
        self.params = n_params(self)
        self.flops = seed_flops(blueprint, channels)
        self.age = 0
        """Epochs since germination."""

    def forward(self, x: Tensor) -> Tensor:
        """The correction to `x`, of the same shape."""
        correction: Tensor = self.body(x)
        return correction
