"""Gradients reduced on their devices: sums, broken elements and sketches beside their norms, and nothing waits.

>>> from nissa.pipeline.probes.model import to_cpu
>>> values, sizes = [torch.tensor([3.0, 4.0])], [torch.tensor(5.0)]
>>> gathering = DeviceStatistics([Gradient("fc", 2, 0)], values, sizes, sketched=False, above=3.5)
>>> gathering.read(to_cpu(gathering.figures))
Figures(norms=[5.0], sums=[7.0], broken=[0.0], above=[1.0], counts=None)
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS, sketches
from nissa.pipeline.probes.gradients.reductions import above, broken, sampled, widest
from nissa.pipeline.probes.gradients.step_gradients import Gradient, by_device

__all__ = ["DeviceFigures", "DeviceStatistics", "Figures"]


class DeviceFigures(NamedTuple):
    """What one device found, of its gradients in their order."""

    norms: Tensor
    sums: Tensor
    broken: Tensor
    """Elements that are NaN or infinite; empty if there are none."""
    above: Tensor
    """Finite elements above the limit in magnitude; empty without a limit."""
    counts: Tensor
    """Sketches by row (rows, 4096); empty if none were made."""


class Figures(NamedTuple):
    """What arrived, by gradient."""

    norms: list[float]
    sums: list[float]
    broken: list[float]
    """Elements that are NaN or infinite."""
    above: list[float]
    """Finite elements above the limit in magnitude; 0 without a limit."""
    counts: Tensor | None
    """Sketches by layer (layers, 4096), float64; None if none were made."""


class DeviceStatistics:
    """The gradients `grads` with their `values`, dense, real and not empty, and the norms of these, `sizes`.

    It does not keep the values: a gradient must not outlive its step. Elements above the limit `above` are counted.
    """

    def __init__(
        self,
        grads: Sequence[Gradient],
        values: Sequence[Tensor],
        sizes: Sequence[Tensor],
        *,
        sketched: bool,
        above: float | None = None,
    ) -> None:
        self._grads, self._limit = grads, above
        self._place = {layer: i for i, layer in enumerate(dict.fromkeys(grad.layer for grad in grads))}
        self._sketched, self._rows = sketched and bool(grads), list[tuple[int, int]]()
        self._where = by_device(values)
        self.figures = [
            figure
            for where in self._where
            for figure in self._found(where, [values[i] for i in where], torch.stack([sizes[i] for i in where]))
        ]
        """What has to leave the devices."""

    def read(self, figures: Iterable[Tensor]) -> Figures:
        """What `figures` say, once they are on the CPU."""
        arrived = iter(figures)
        devices = [DeviceFigures(*(next(arrived) for _ in DeviceFigures._fields)) for _ in self._where]
        return Figures(
            norms=self._placed(device.norms for device in devices),
            sums=self._placed(device.sums for device in devices),
            broken=self._placed(device.broken for device in devices),
            above=self._placed(device.above for device in devices),
            counts=self._by_layer([device.counts for device in devices]) if self._sketched else None,
        )

    def _placed(self, found: Iterable[Tensor]) -> list[float]:
        """What each device found, at the places of its gradients; 0 where it found nothing."""
        column = [0.0] * len(self._grads)
        for where, values in zip(self._where, found, strict=True):
            for place, value in zip(where, values.tolist(), strict=False):
                column[place] = value
        return column

    def _found(self, where: list[int], values: list[Tensor], sizes: Tensor) -> DeviceFigures:
        """Figures of the gradients on one device."""
        wide, odd = widest(values), broken(values, sizes)
        return DeviceFigures(
            norms=sizes,
            sums=torch.stack([grad.sum(dtype=wide) for grad in values]),
            broken=odd,
            above=above(values, sizes, odd, self._limit),
            counts=self._sketches(where, values) if self._sketched else sizes.new_zeros(0, BINS),
        )

    def _sketches(self, where: list[int], grads: list[Tensor]) -> Tensor:
        """A row for each layer and each number of elements that one in it stands for."""
        samples = [(self._place[self._grads[i].layer], *sampled(grad)) for i, grad in zip(where, grads, strict=True)]
        samples.sort(key=lambda sample: (sample[0], sample[2]))
        keys = [(layer, k) for layer, _, k in samples]
        rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
        self._rows += rows
        return sketches([values for _, values, _ in samples], [rows[key] for key in keys])

    def _by_layer(self, counts: list[Tensor]) -> Tensor:
        """Sketches of all devices by layer, with each element as often as it stands for others."""
        weights = torch.zeros(len(self._place), len(self._rows), dtype=torch.float64, device="cpu")
        for row, (layer, k) in enumerate(self._rows):
            weights[layer, row] = k
        found = weights @ torch.cat(counts)
        for grad in self._grads:
            if grad.absent:
                found[self._place[grad.layer], 0] += grad.absent
        return found
