"""Does a seed that learns in isolation leave a trace in the host? The gradient that it sends there tells.

>>> weight = torch.tensor([3.0, 4.0], requires_grad=True)
>>> hidden, seed = 2 * weight, torch.nn.Linear(2, 2)
>>> correction = seed(hidden.detach())
>>> term = correction - correction.detach()
>>> leakage((hidden + term).sum(), [term], [weight])
tensor(0.)
"""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["leakage"]


def leakage(loss: Tensor, terms: Sequence[Tensor], host: Sequence[Tensor]) -> Tensor:
    """L2 norm of the gradient that reaches the host's parameters through the terms of isolated seeds: a scalar.

    0 if and only if the isolation holds. A term is what a seed adds to the host's values in the graph of `loss`, which
    is used and kept, by one more backward pass; no `.grad` is written, no random number drawn, and nothing waits for
    the device. What is frozen takes no part.
    """
    pushed = _gradients([loss], [term for term in terms if term.requires_grad])
    arrived = _gradients(list(pushed), [p for p in host if p.requires_grad], list(pushed.values()))
    norms = torch._foreach_norm(list(arrived.values())) if arrived else [torch.zeros_like(loss.detach())]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return norm


def _gradients(
    of: Sequence[Tensor], by: Sequence[Tensor], weighted: Sequence[Tensor] | None = None
) -> dict[Tensor, Tensor]:
    """By tensor, the gradient of a sum of tensors; of those that take no part there is none."""
    if not of or not by:
        return {}
    found = torch.autograd.grad(of, by, weighted, retain_graph=True, allow_unused=True)
    return {tensor: grad for tensor, grad in zip(by, found, strict=True) if grad is not None}
