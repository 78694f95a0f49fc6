"""Gradients reduced on their devices: norms, sums, broken elements and sketches, and nothing waits.

>>> from nissa.pipeline.probes.model import to_cpu
>>> grads = [Gradient("fc", 2, 0)]
>>> gathering = DeviceStatistics(grads, [torch.tensor([3.0, 4.0])], sketched=False, above=3.5)
>>> gathering.read(to_cpu(gathering.figures))
Figures(norms=[5.0], sums=[7.0], broken=[0.0], above=[1.0], counts=None)
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS, sketches
from nissa.pipeline.probes.gradients.reductions import above, broken, norms, sampled

__all__ = ["DeviceFigures", "DeviceStatistics", "Figures", "Gradient"]


class Gradient(NamedTuple):
    """What is known of the gradient of one parameter without looking at its values."""

    layer: str
    n: int
    """Elements."""
    absent: int
    """Elements that it does not hold, because it is sparse: zeros."""


class DeviceFigures(NamedTuple):
    """What one device found, of its gradients in their order: norms of all, and of those that are shown the rest."""

    norms: Tensor
    sums: Tensor
    broken: Tensor
    """Elements that are NaN or infinite; empty if there are none."""
    above: Tensor
    """Finite elements above the limit in magnitude; empty without a limit."""
    counts: Tensor
    """Sketches by row (rows, 4096); empty if none were made."""


class Figures(NamedTuple):
    """What arrived: norms by gradient, first of those that are shown; of these also the rest."""

    norms: list[float]
    sums: list[float]
    broken: list[float]
    """Elements that are NaN or infinite."""
    above: list[float]
    """Finite elements above the limit in magnitude; 0 without a limit."""
    counts: Tensor | None
    """Sketches by shown layer (layers, 4096), float64; None if none were made."""


class DeviceStatistics:
    """The gradients of `values`, dense, real and not empty. Those that are `shown` come first; of others, the norms.

    It does not keep the values: a gradient must not outlive its step. Elements above the limit `above` are counted.
    """

    def __init__(
        self, shown: Sequence[Gradient], values: Sequence[Tensor], *, sketched: bool, above: float | None = None
    ) -> None:
        self._shown, self._n, self._limit = shown, len(values), above
        self._place = {layer: i for i, layer in enumerate(dict.fromkeys(grad.layer for grad in shown))}
        self._sketched, self._rows = sketched and bool(shown), list[tuple[int, int]]()
        self._where = _by_device(values)
        self.figures = [figure for where in self._where for figure in self._found(where, [values[i] for i in where])]
        """What has to leave the devices."""

    def read(self, figures: Iterable[Tensor]) -> Figures:
        """What `figures` say, once they are on the CPU."""
        arrived = iter(figures)
        devices = [DeviceFigures(*(next(arrived) for _ in DeviceFigures._fields)) for _ in self._where]
        return Figures(
            norms=self._placed(self._n, (device.norms for device in devices)),
            sums=self._placed(len(self._shown), (device.sums for device in devices)),
            broken=self._placed(len(self._shown), (device.broken for device in devices)),
            above=self._placed(len(self._shown), (device.above for device in devices)),
            counts=self._by_layer([device.counts for device in devices]) if self._sketched else None,
        )

    def _placed(self, n: int, found: Iterable[Tensor]) -> list[float]:
        """What each device found, at the places of its gradients; 0 where it found nothing."""
        column = [0.0] * n
        for where, values in zip(self._where, found, strict=True):
            for place, value in zip(where, values.tolist(), strict=False):
                column[place] = value
        return column

    def _found(self, where: list[int], grads: list[Tensor]) -> DeviceFigures:
        """Figures of the gradients on one device."""
        own = [i for i in where if i < len(self._shown)]
        shown = grads[: len(own)]
        wide = torch.float64 if any(grad.dtype == torch.float64 for grad in grads) else torch.float32
        sizes = norms(grads, wide)
        sums = [grad.sum(dtype=wide) for grad in shown]
        odd = broken(shown, sizes)
        return DeviceFigures(
            norms=sizes,
            sums=torch.stack(sums) if sums else sizes.new_zeros(0),
            broken=odd,
            above=above(shown, sizes, odd, self._limit),
            counts=self._sketches(own, shown) if self._sketched and own else sizes.new_zeros(0, BINS),
        )

    def _sketches(self, where: list[int], grads: list[Tensor]) -> Tensor:
        """A row for each layer and each number of elements that one in it stands for."""
        samples = [(self._place[self._shown[i].layer], *sampled(grad)) for i, grad in zip(where, grads, strict=True)]
        samples.sort(key=lambda sample: (sample[0], sample[2]))
        keys = [(layer, k) for layer, _, k in samples]
        rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
        self._rows += rows
        return sketches([values for _, values, _ in samples], [rows[key] for key in keys])

    def _by_layer(self, counts: list[Tensor]) -> Tensor:
        """Sketches of all devices by layer, with each element as often as it stands for others."""
        weights = torch.zeros(len(self._place), len(self._rows), dtype=torch.float64)
        for row, (layer, k) in enumerate(self._rows):
            weights[layer, row] = k
        found = weights @ torch.cat(counts)
        for grad in self._shown:
            if grad.absent:
                found[self._place[grad.layer], 0] += grad.absent
        return found


def _by_device(tensors: Iterable[Tensor]) -> list[list[int]]:
    groups: dict[torch.device, list[int]] = {}
    for i, tensor in enumerate(tensors):
        groups.setdefault(tensor.device, []).append(i)
    return list(groups.values())
