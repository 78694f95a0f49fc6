"""Gradient norms of several modules with little arithmetic, and clipping by them."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["MAX_NORM", "clip", "gradients_of", "norm"]

MAX_NORM = 5.0


def gradients_of(module: nn.Module) -> list[Tensor]:
    """The gradients that the last backward pass left in a module's parameters."""
    return [p.grad for p in module.parameters() if p.grad is not None]


def norm(grads: list[Tensor]) -> Tensor:
    """L2 norm over all of them, a scalar that stays on their device. Raises RuntimeError for an empty list."""
    total: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
    return total


def clip(grads: Iterable[Tensor], norm: float) -> None:
    """Scale gradients of a known norm down to `MAX_NORM`, in place, if it is larger."""
    if norm > MAX_NORM:
        torch._foreach_mul_(list(grads), MAX_NORM / norm)
