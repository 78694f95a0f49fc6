"""Gradients that are not plain: in the memory of a GPU, sparse, complex, or of another type. Each by itself.

>>> import torch
>>> from nissa.pipeline.probes.model import to_cpu
>>> layer = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
>>> layer.weight.grad = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
>>> measured = DeviceGradients(Reduced.of({"host": [layer.weight]}), ["host"], ["host"], Limits())
>>> found, norms = measured.read(to_cpu(measured.figures))
>>> measured.layers, found.totals[0].sums, norms
(['host'], 7.0, {'host': 5.0})
"""

from collections.abc import Collection, Iterable, Sequence

from torch import Tensor

from nissa.pipeline.probes.gradients.device_statistics import DeviceStatistics
from nissa.pipeline.probes.gradients.grouped import Limits
from nissa.pipeline.probes.gradients.layer_totals import LayerTotals
from nissa.pipeline.probes.gradients.step_gradients import Reduced

__all__ = ["DeviceGradients"]


class DeviceGradients:
    """The layers `shown` as `limits` ask, and the norm of each part; `figures` have to leave the devices for it."""

    def __init__(self, grads: Reduced, shown: Collection[str], parts: Iterable[str], limits: Limits) -> None:
        norms = grads.norms(parts)
        self._parts = list(norms)
        self._statistics = DeviceStatistics(grads.among(shown), limits)
        self.layers = self._statistics.layers
        """In the order in which `read` tells of them."""
        self.figures = [*norms.values(), *self._statistics.figures]

    def read(self, figures: Sequence[Tensor]) -> tuple[LayerTotals, dict[str, float]]:
        """What was found of the layers, and the norms by part, once the figures are on the CPU."""
        n = len(self._parts)
        norms = dict(zip(self._parts, map(float, figures[:n]), strict=True))
        return self._statistics.read(figures[n:]), norms
