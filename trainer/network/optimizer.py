"""The optimizer that host and seeds learn with, each with one of its own."""

import torch
from torch import nn

__all__ = ["LEARNING_RATE", "new_optimizer"]

LEARNING_RATE = 3e-3


def new_optimizer(module: nn.Module) -> torch.optim.Adam:
    """Adam over the module's parameters; fused, because modules this small spend their time on calls."""
    return torch.optim.Adam(module.parameters(), lr=LEARNING_RATE, fused=True)
