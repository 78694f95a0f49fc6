"""How many operations a forward pass takes, counted rather than estimated."""

from collections.abc import Callable
from functools import cache

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nissa.trainer.network.blueprints import BLUEPRINTS
from nissa.trainer.network.host import SIDE, Host

__all__ = ["host_flops", "seed_flops"]


@cache
def host_flops() -> int:
    """Operations of the host alone on one image."""
    return _forward_flops(Host, (1, 1, 8, 8))


@cache
def seed_flops(blueprint: str, channels: int) -> int:
    """Operations that a seed adds for one image. Raises KeyError for a blueprint that there is not."""
    return _forward_flops(lambda: BLUEPRINTS[blueprint](channels), (1, channels, SIDE, SIDE))


def _forward_flops(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> int:
    # The meta device knows shapes but no numbers: nothing is computed, and no random number is drawn.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        make()(torch.empty(shape))
    return int(counter.get_total_flops())
