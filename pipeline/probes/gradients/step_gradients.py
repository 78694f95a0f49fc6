"""What one backward pass left: its gradients and their norms, reduced once for all who ask in that step.

>>> model = torch.nn.Linear(2, 1, bias=False)
>>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> StepGradients({"host": model}).norms["host"].item()
5.0
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.reductions import norms
from nissa.pipeline.probes.model import Parts, layers_of, unsharded

__all__ = ["Gradient", "StepGradients", "by_device"]


class Gradient(NamedTuple):
    """What is known of the gradient of one parameter without looking at its values."""

    layer: str
    n: int
    """Elements."""
    absent: int
    """Elements that it does not hold, because it is sparse: zeros."""


class StepGradients:
    """The gradients that the last backward pass left in the parts of a network: its "host", and seeds by their slots.

    Made before clipping. It holds the gradients themselves: let go of it before the next step. A norm stays on its
    device, and nothing waits. Raises TypeError for sharded parameters (DTensor, FSDP).
    """

    @torch.no_grad()
    def __init__(self, parts: Parts) -> None:
        found = layers_of(parts)
        unsharded(p for own in found.values() for p in own)
        grads = [(layer, p.grad) for layer, own in found.items() for p in own if p.grad is not None and p.grad.numel()]
        self.values = [_dense(grad) for _, grad in grads]
        """What each gradient holds, real and dense."""
        self.known = [_known(layer, grad, held) for (layer, grad), held in zip(grads, self.values, strict=True)]
        self.sizes = _sizes(self.values)
        """The L2 norm of each, a scalar."""
        own = {part: [i for i, grad in enumerate(self.known) if _belongs(grad.layer, part)] for part in parts}
        self.norms = {part: _joined([self.sizes[i] for i in where]) for part, where in own.items() if where}
        """The L2 norm of each part that has a gradient: the norm of the norms, as `clip_grad_norm_` takes it."""


def by_device(tensors: Iterable[Tensor]) -> list[list[int]]:
    """The places of tensors that lie on the same device."""
    groups: dict[torch.device, list[int]] = {}
    for i, tensor in enumerate(tensors):
        groups.setdefault(tensor.device, []).append(i)
    return list(groups.values())


def _sizes(values: Sequence[Tensor]) -> list[Tensor]:
    sizes: dict[int, Tensor] = {}
    for where in by_device(values):
        sizes.update(zip(where, norms([values[i] for i in where]), strict=True))
    return [sizes[i] for i in range(len(values))]


def _joined(sizes: Sequence[Tensor]) -> Tensor:
    """Their norm, on the device of the first."""
    first, *others = [_norm([sizes[i] for i in where]) for where in by_device(sizes)]
    return _norm([first, *(norm.to(first) for norm in others)]) if others else first


def _norm(numbers: list[Tensor]) -> Tensor:
    norm: Tensor = torch.linalg.vector_norm(torch.stack(numbers))
    return norm


def _dense(grad: Tensor) -> Tensor:
    """What a gradient holds, as real numbers."""
    values = grad.coalesce().values() if grad.is_sparse else grad
    return torch.view_as_real(values.resolve_conj()) if values.is_complex() else values


def _known(layer: str, grad: Tensor, held: Tensor) -> Gradient:
    n = grad.numel() * (2 if grad.is_complex() else 1)
    return Gradient(layer, n, n - held.numel())


def _belongs(layer: str, part: str) -> bool:
    return layer == part or layer.startswith(f"{part}.")
