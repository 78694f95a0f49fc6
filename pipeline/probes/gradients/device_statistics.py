"""Gradients reduced on their devices, one by one: sums and counts beside their norms, and nothing waits.

>>> from nissa.pipeline.probes.gradients.step_gradients import Gradient
>>> from nissa.pipeline.probes.model import to_cpu
>>> grads, values, sizes = [Gradient("fc", 2, 0)], [torch.tensor([3.0, 4.0])], [torch.tensor(5.0)]
>>> gathering = DeviceStatistics(Reduced([], [], grads, values, sizes), Limits(exploding=3.5))
>>> (found,) = gathering.read(to_cpu(gathering.figures)).totals
>>> found.squares, found.sums, found.broken, found.above
(25.0, 7.0, 0, 1)
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.device_distributions import Distributions
from nissa.pipeline.probes.gradients.grouped import Limits
from nissa.pipeline.probes.gradients.layer_totals import NOTHING, LayerTotals, Totals
from nissa.pipeline.probes.gradients.reductions import above, broken, vanishing, widest, zeros
from nissa.pipeline.probes.gradients.step_gradients import Reduced, by_device

__all__ = ["DeviceStatistics"]


class _Figures(NamedTuple):
    """What one device found, of its gradients in their order. What there is none of, or was not asked for, is empty."""

    norms: Tensor
    sums: Tensor
    broken: Tensor
    above: Tensor
    zero: Tensor
    vanishing: Tensor


class DeviceStatistics:
    """Gradients whose norms are known, as `limits` ask. It keeps no values: a gradient must not outlive its step."""

    def __init__(self, grads: Reduced, limits: Limits) -> None:
        self._known = grads.known
        self.layers = list(dict.fromkeys(grad.layer for grad in grads.known))
        """In the order in which `read` tells of them."""
        self._where = by_device(grads.values)
        self._spread = Distributions(grads.known, grads.values, limits)
        self.figures = [
            *(figure for where in self._where for figure in _found(grads, where, limits)),
            *self._spread.figures,
        ]
        """What has to leave the devices."""

    def read(self, figures: Sequence[Tensor]) -> LayerTotals:
        """What `figures` say, once they are on the CPU, by layer."""
        n = len(_Figures._fields) * len(self._where)
        found = dict.fromkeys(self.layers, NOTHING)
        for grad, own in zip(self._known, self._totals(figures[:n]), strict=True):
            found[grad.layer] = found[grad.layer].plus(own)
        return LayerTotals([*found.values()], *self._spread.read(figures[n:]))

    def _totals(self, figures: Sequence[Tensor]) -> list[Totals]:
        """By gradient."""
        found = [NOTHING for _ in self._known]
        for own, where in zip(_by_device(figures), self._where, strict=True):
            columns = [figure.tolist() for figure in own]
            for i, (norm, total, *counts) in zip(where, zip_longest(*columns, fillvalue=0), strict=True):
                grad = self._known[i]
                broken, above, zero, vanishing = map(int, counts)
                smallest = zero + grad.absent, vanishing + grad.absent
                found[i] = Totals(grad.n, norm * norm, total, broken, above, *smallest)
        return found


def _by_device(figures: Sequence[Tensor]) -> list[_Figures]:
    n = len(_Figures._fields)
    return [_Figures(*figures[i : i + n]) for i in range(0, len(figures), n)]


def _found(grads: Reduced, where: list[int], limits: Limits) -> _Figures:
    """Figures of the gradients on one device."""
    values, sizes = [grads.values[i] for i in where], torch.stack([grads.sizes[i] for i in where])
    wide, odd = widest(values), broken(values, sizes)
    return _Figures(
        norms=sizes,
        sums=torch.stack([grad.sum(dtype=wide) for grad in values]),
        broken=odd,
        above=above(values, sizes, odd, limits.exploding),
        zero=zeros(values, limits.vanishing),
        vanishing=vanishing(values, limits.vanishing),
    )
