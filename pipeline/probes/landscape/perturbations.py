"""Steps away from the weights towards a higher loss: random ones, and the steepest.

>>> (step,) = steepest([torch.tensor([6.0, 8.0])], [torch.tensor([0.0, 2.0])], scale=0.1)
>>> step.tolist()
[0.0, 1.0]
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

__all__ = ["noise", "real", "steepest"]


def real(tensor: Tensor) -> Tensor:
    """The same memory, as real numbers."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def noise(weights: Sequence[Tensor], times: int, scale: float, seed: int) -> Iterator[list[Tensor]]:
    """Normal noise from generators of its own, `scale` times the root mean square of each tensor."""
    sizes = [scale * w.square().mean().sqrt() for w in weights]
    generators = {device: _generator(device, seed) for device in {w.device for w in weights}}
    for _ in range(times):
        yield [_normal(w, generators[w.device]) * size for w, size in zip(weights, sizes, strict=True)]


def steepest(weights: Sequence[Tensor], gradients: Sequence[Tensor | None], scale: float) -> list[Tensor]:
    """`scale` times the norm of all weights along the gradient; empty without one. A gradient of 0 gives no step."""
    if not any(grad is not None for grad in gradients):
        return []
    along = [torch.zeros_like(w) if grad is None else _dense(grad) for w, grad in zip(weights, gradients, strict=True)]
    length, slope = _norm(weights), _norm(along)
    size = scale * length / slope.clamp(min=torch.finfo(slope.dtype).tiny)
    return [grad * size.to(grad.device) for grad in along]


def _generator(device: torch.device, seed: int) -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, device=like.device, dtype=like.dtype)


def _dense(grad: Tensor) -> Tensor:
    return real(grad.to_dense() if grad.is_sparse else grad)


def _norm(tensors: Sequence[Tensor]) -> Tensor:
    """L2 norm over all of them, on the device of the first."""
    norms = [
        torch.linalg.vector_norm(tensor, dtype=torch.promote_types(tensor.dtype, torch.float32)) for tensor in tensors
    ]
    total: Tensor = torch.linalg.vector_norm(torch.stack([norm.to(norms[0].device) for norm in norms]))
    return total
