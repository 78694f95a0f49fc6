"""How far may a step go? Gradients whose norm is known are scaled down to a limit."""

import torch
from torch import nn

__all__ = ["MAX_NORM", "clip"]

MAX_NORM = 5.0


def clip(part: nn.Module, norm: float) -> None:
    """Scale the gradients of a part, of this L2 norm over all of them, down to `MAX_NORM` in place if it is larger."""
    if norm > MAX_NORM:
        torch._foreach_mul_([p.grad for p in part.parameters() if p.grad is not None], MAX_NORM / norm)
