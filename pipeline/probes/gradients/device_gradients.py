"""Gradients that are not plain: in the memory of a GPU, sparse, complex, or of another type. Each by itself.

>>> import torch
>>> from nissa.pipeline.probes.model import to_cpu
>>> layer = torch.nn.Linear(2, 1, bias=False, dtype=torch.float64)
>>> layer.weight.grad = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
>>> measured = DeviceGradients(Reduced.of({"host": [layer.weight]}), ["host"], ["host"], Limits())
>>> rows, norms = measured.read(to_cpu(measured.figures), GradientConfig(percentiles=[]))
>>> rows["host"].mean, norms
(3.5, {'host': 5.0})
"""

from collections.abc import Collection, Iterable, Sequence

from torch import Tensor

from nissa.events.kinds import LayerGradients
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.device_statistics import DeviceStatistics
from nissa.pipeline.probes.gradients.grouped import Limits
from nissa.pipeline.probes.gradients.layer_gradients import layer_gradients
from nissa.pipeline.probes.gradients.step_gradients import Reduced

__all__ = ["DeviceGradients"]


class DeviceGradients:
    """The layers `shown` as `limits` ask, and the norm of each part; `figures` have to leave the devices for it."""

    def __init__(self, grads: Reduced, shown: Collection[str], parts: Iterable[str], limits: Limits) -> None:
        norms = grads.norms(parts)
        self._parts = list(norms)
        self._statistics = DeviceStatistics(grads.among(shown), limits)
        self.figures = [*norms.values(), *self._statistics.figures]

    def read(
        self, figures: Sequence[Tensor], config: GradientConfig
    ) -> tuple[dict[str, LayerGradients], dict[str, float]]:
        """The rows by layer, and the norms by part, once the figures are on the CPU."""
        n = len(self._parts)
        found = self._statistics.read(figures[n:])
        norms = dict(zip(self._parts, map(float, figures[:n]), strict=True))
        return layer_gradients(self._statistics.layers, found, config), norms
