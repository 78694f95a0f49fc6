"""What one backward pass left: its gradients and their norms, reduced once for all who ask in that step.

>>> model = torch.nn.Linear(2, 1, bias=False)
>>> model(torch.tensor([[3.0, 4.0]])).sum().backward()
>>> StepGradients({"host": model}).norms["host"].item()
5.0
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nissa.pipeline.probes.gradients.reductions import norms
from nissa.pipeline.probes.model import Parts, belongs, held, layers_of, unflattened

__all__ = ["Gradient", "Reduced", "StepGradients", "by_device"]


class Gradient(NamedTuple):
    """What is known of the gradient of one parameter without looking at its values."""

    layer: str
    n: int
    """Elements."""
    absent: int
    """Elements that it does not hold, because it is sparse: zeros."""


class Reduced(NamedTuple):
    """Gradients and their norms. Each stays on its device, and nothing waits."""

    params: list[nn.Parameter]
    grads: list[Tensor]
    known: list[Gradient]
    values: list[Tensor]
    """What each gradient holds, real and dense."""
    sizes: list[Tensor]
    """The L2 norm of each, a scalar."""

    @classmethod
    def of(cls, layers: Mapping[str, Sequence[nn.Parameter]]) -> "Reduced":
        """The gradients that there are, by layer, and that have elements: of a shard, what this process holds of it."""
        found = [(layer, p) for layer, own in layers.items() for p in own if p.requires_grad and p.grad is not None]
        there = [(layer, p, grad) for layer, p in found if p.grad is not None and (grad := held(p.grad)).numel()]
        values = [_dense(grad) for _, _, grad in there]
        known = [_known(layer, grad, held) for (layer, _, grad), held in zip(there, values, strict=True)]
        return cls([p for _, p, _ in there], [grad for *_, grad in there], known, values, _sizes(values))

    def among(self, layers: Collection[str]) -> "Reduced":
        """Those of some layers."""
        there = [grad.layer in layers for grad in self.known]
        return Reduced(
            list(compress(self.params, there)),
            list(compress(self.grads, there)),
            list(compress(self.known, there)),
            list(compress(self.values, there)),
            list(compress(self.sizes, there)),
        )

    def grads_of(self, params: Iterable[nn.Parameter]) -> list[Tensor | None]:
        """The gradient of each of these parameters."""
        own = dict(zip(self.params, self.grads, strict=True))
        return [own.get(p) for p in params]

    def norms_of(self, params: Iterable[nn.Parameter], chosen: Sequence[Tensor | None]) -> list[float]:
        """The norm of each parameter's gradient where one is chosen, all of which are on the CPU; otherwise 0."""
        own = dict(zip(self.params, self.sizes, strict=True))
        there = [own[p] for p, grad in zip(params, chosen, strict=True) if grad is not None]
        norms = iter(torch.stack(there).tolist() if there else [])
        return [0.0 if grad is None else next(norms) for grad in chosen]

    def norms(self, parts: Iterable[str]) -> dict[str, Tensor]:
        """The L2 norm of each part with a gradient: the norm of the norms, as `clip_grad_norm_` takes it."""
        own = {part: [i for i, grad in enumerate(self.known) if belongs(grad.layer, part)] for part in parts}
        return {part: _joined([self.sizes[i] for i in where]) for part, where in own.items() if where}


class StepGradients:
    """The gradients that the last backward pass left in the parts of a network: its "host", and seeds by their slots.

    Made before clipping. It holds the gradients themselves: let go of it before the next step. A norm stays on its
    device, and nothing waits. Of sharded parameters (`fully_shard`) it has what this process
    holds. Raises TypeError for those of FullyShardedDataParallel.
    """

    @torch.no_grad()
    def __init__(self, parts: Parts) -> None:
        self.parts = list(parts)
        self.layers = layers_of(parts)
        unflattened(p for own in self.layers.values() for p in own)
        self.reduced = Reduced.of(self.layers)
        self.norms = self.reduced.norms(parts)
        """The L2 norm of each part that has a gradient."""


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
