"""The plan of a network's gradients, kept from one look to the next: its layers, parameters, groups and memory.

>>> one, other = nn.Linear(2, 1), nn.Linear(3, 1, bias=False)
>>> layers = {"host.0": list(one.parameters()), "host.1": list(other.parameters())}
>>> plan = Plan(layers, lambda layer: layer == "host.1")
>>> plan.layers, plan.shown, plan.fits(layers), plan.fits({"host.0": layers["host.0"]})
(['host.1', 'host.0'], 1, True, False)
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, chain
from operator import is_

import torch
from torch import Tensor, nn

from nissa.pipeline.probes.gradients.grouped.groups import Group, grouped
from nissa.pipeline.probes.gradients.grouped.workspace import Workspace
from nissa.pipeline.probes.gradients.reductions import MOST
from nissa.pipeline.probes.model import belongs, held, is_shard

__all__ = ["Layers", "Plan"]

Layers = Mapping[str, Sequence[nn.Parameter]]
"""Trainable parameters by layer."""


class Plan:
    """What does not change while a network consists of the same parameters."""

    def __init__(self, layers: Layers, shown: Callable[[str], bool]) -> None:
        self.given = layers
        hidden = {layer: not shown(layer) for layer in layers}
        self.layers = sorted(layers, key=hidden.__getitem__)
        """Those that are shown first."""
        self.shown = len(layers) - sum(hidden.values())
        """How many are shown; of the others only norms are measured."""
        self.params = [p for layer in self.layers for p in layers[layer]]
        self.sharded = any(map(is_shard, self.params))
        """Whether this process holds only a part of some."""
        ends = list(accumulate(len(layers[layer]) for layer in self.layers))
        self._layer_of = [layer for layer in self.layers for _ in layers[layer]]
        self.sizes = [p.numel() if _may_be_plain(p) else 0 for p in self.params]
        """For each parameter, its elements; 0 where its gradient cannot be plain."""
        self._shapes = [p.shape if _may_be_plain(p) else None for p in self.params]
        self.groups = grouped([self.sizes[a:b] for a, b in zip([0, *ends], ends, strict=False)], self.shown)
        self.space = Workspace(max((_room(group, self.sizes) for group in self.groups), default=0))
        # What is made in inference mode could not be written to outside of it.
        with torch.inference_mode(False):
            self.views = [self._views(group) for group in self.groups]
        """By group, where the small gradients are copied to."""
        self._parts: dict[str, list[int]] = {}

    def fits(self, layers: Layers) -> bool:
        """Whether these are the layers, and these their parameters."""
        return (
            list(layers) == list(self.given)
            and [*map(len, layers.values())] == [*map(len, self.given.values())]
            and all(map(is_, chain(*layers.values()), chain(*self.given.values())))
        )

    def within(self, part: str) -> list[int]:
        """The places of the layers of a part."""
        if part not in self._parts:
            self._parts[part] = [i for i, layer in enumerate(self.layers) if belongs(layer, part)]
        return self._parts[part]

    def found(self) -> list[Tensor | None]:
        """The gradients that the parameters have now, as far as this process holds them."""
        grads = [p.grad if p.requires_grad else None for p in self.params]
        return [grad if grad is None else held(grad) for grad in grads] if self.sharded else grads

    def plain(self, grads: Sequence[Tensor | None]) -> tuple[Sequence[Tensor | None], list[str]]:
        """Those that are plain, each in its place; and the layers with one that is not, of which none is taken.

        A gradient is plain if it is float32, dense and in the memory of the CPU.
        """
        odd = [i for i, own in enumerate(zip(grads, self._shapes, strict=True)) if not _is_plain(*own)]
        if not odd:
            return grads, []
        layers = {self._layer_of[i] for i in odd}
        return [None if layer in layers else grad for grad, layer in zip(grads, self._layer_of, strict=True)], [*layers]

    def _views(self, group: Group) -> list[Tensor]:
        return [
            self.space.view(self.params[i], own.start) for i, own in zip(group.small, group.places.slices, strict=True)
        ]


_FLOAT, _DENSE = torch.float32, torch.strided


def _is_plain(grad: Tensor | None, shape: torch.Size | None) -> bool:
    return grad is None or (
        type(grad) is Tensor and grad.dtype is _FLOAT and grad.is_cpu and grad.layout is _DENSE and grad.shape == shape
    )


def _may_be_plain(p: nn.Parameter) -> bool:
    return p.dtype is _FLOAT and p.is_cpu and p.layout is _DENSE and not is_shard(p)


def _room(group: Group, sizes: Sequence[int]) -> int:
    return max([group.places.total, *(min(sizes[place], MOST) for place, _ in group.large)])
