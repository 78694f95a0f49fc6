"""Distributions of gradients by layer, made on their devices: only quantiles and counts by octave leave them.

>>> values, limits = torch.tensor([2.0, 3.0, 4.0]), Limits(points=(0.0, 1.0), octaves=True)
>>> asked = Distributions([Gradient("fc", 5, absent=2)], [values], limits)
>>> percentiles, octaves = asked.read(asked.figures)
>>> percentiles, [(octave, n) for octave, n in enumerate(octaves[0]) if n]
([[0.0, 4.0]], [(130, 2), (131, 1)])
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import BINS, MIDDLE, octaves, sketch, sketches
from nissa.pipeline.probes.gradients.device_percentiles import percentiles
from nissa.pipeline.probes.gradients.grouped import Limits
from nissa.pipeline.probes.gradients.reductions import sampled
from nissa.pipeline.probes.gradients.step_gradients import Gradient

__all__ = ["Distributions"]

_LAYERS = 32
"""Sketched at a time, 32 KiB each."""


class Distributions:
    """Of the gradients `grads` with their `values`, as `limits` ask for; by layer, in the order of the first of each.

    A layer on several devices is put together on the first of them.
    """

    def __init__(self, grads: Sequence[Gradient], values: Sequence[Tensor], limits: Limits) -> None:
        self._limits = limits
        own: dict[str, list[tuple[Gradient, Tensor]]] = {}
        for grad, value in zip(grads, values, strict=True):
            own.setdefault(grad.layer, []).append((grad, value))
        places: dict[torch.device, list[int]] = {}
        layers = list(own.values())
        for i, layer in enumerate(layers):
            places.setdefault(layer[0][1].device, []).append(i)
        runs = [where[n : n + _LAYERS] for where in places.values() for n in range(0, len(where), _LAYERS)]
        self._runs = runs if limits.sketched else []
        self.figures = [figure for run in self._runs for figure in self._of([layers[i] for i in run])]
        """What has to leave the devices."""

    def read(self, figures: Sequence[Tensor]) -> tuple[list[list[float]], list[list[int]]]:
        """Percentiles and octaves by layer, once the figures are on the CPU; empty if they were not asked for."""
        places = [i for run in self._runs for i in run]
        order = sorted(range(len(places)), key=places.__getitem__)
        percentiles = [row for table in figures[::2] for row in table.tolist()]
        counts = [list(map(int, row)) for table in figures[1::2] for row in table.tolist()]
        limits = self._limits
        return [percentiles[i] for i in order] if limits.points else [], [counts[i] for i in order if limits.octaves]

    def _of(self, layers: Sequence[Sequence[tuple[Gradient, Tensor]]]) -> tuple[Tensor, Tensor]:
        counts = _counts(layers)
        # A copy from the host would wait.
        at = [torch.full((1,), point, dtype=torch.float64, device=counts.device) for point in self._limits.points]
        read = percentiles(layers, counts, torch.cat(at)) if at else counts.new_zeros(len(layers), 0)
        found = octaves(counts) if self._limits.octaves else counts.new_zeros(len(layers), 0)
        return read, found


def _counts(layers: Sequence[Sequence[tuple[Gradient, Tensor]]]) -> Tensor:
    """Sketches (layers, 4096) on the device of the first gradient."""
    device = layers[0][0][1].device
    samples = [(row, *sampled(value)) for row, layer in enumerate(layers) for _, value in layer]
    here = [(row, values.to(device, non_blocking=True), k) for row, values, k in samples]
    whole = [(row, values) for row, values, k in here if k == 1]
    if whole:
        counts = sketches([values for _, values in whole], [row for row, _ in whole], len(layers))
    else:
        counts = torch.zeros(len(layers), BINS, dtype=torch.int64, device=device)
    for row, values, k in here:
        if k > 1:
            counts.select(0, row).add_(sketch(values), alpha=k)
    for row, layer in enumerate(layers):
        if absent := sum(grad.absent for grad, _ in layer):
            counts.select(0, row).select(0, MIDDLE).add_(absent)
    return counts
