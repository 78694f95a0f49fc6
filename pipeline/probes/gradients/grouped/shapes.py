"""The distributions of a group's layers: those of small ones are known by sorting, of the others from a sketch.

>>> from nissa.pipeline.probes.gradients.grouped.limits import Limits
>>> shapes = Shapes(2)
>>> shapes.exact[1] = [0.25]
>>> shapes.percentiles(Limits(points=(0.5,))), shapes.octaves()
([[], [0.25]], [[], []])
"""

import numpy as np
import torch
from torch import Tensor

from nissa.pipeline.probes.gradients.bit_sketch import octaves
from nissa.pipeline.probes.gradients.grouped.limits import Limits
from nissa.pipeline.probes.gradients.grouped.percentiles import percentiles
from nissa.pipeline.probes.gradients.sample import Sample

__all__ = ["Shapes"]


class Shapes:
    """Of so many layers, by row."""

    def __init__(self, layers: int) -> None:
        self.exact: dict[int, list[float]] = {}
        """Percentiles that are known."""
        self.counts: Tensor | None = None
        """Sketches (layers, 4096); None where no layer needs one, or none was found."""
        self.samples = [Sample.of(np.empty(0, np.float32))] * layers
        """What was drawn, if anything is."""
        self._least, self._largest = np.full(layers, np.inf), np.full(layers, -np.inf)

    def widen(self, row: int, least: float, largest: float) -> None:
        """Elements of the layer lie there."""
        self._least[row], self._largest[row] = min(self._least[row], least), max(self._largest[row], largest)

    def add(self, row: int, counts: Tensor, least: float, largest: float) -> None:
        """Of more elements of the layer, counts (4096,) and range."""
        if self.counts is None:
            self.counts = torch.zeros(len(self._least), len(counts), dtype=torch.int64, device="cpu")
        self.counts[row] += counts
        self.widen(row, least, largest)

    def octaves(self) -> list[list[int]]:
        """By layer."""
        found: list[list[int]] = [[] for _ in self._least] if self.counts is None else octaves(self.counts).tolist()
        return found

    def percentiles(self, limits: Limits) -> list[list[float]]:
        """By layer."""
        found: list[list[float]] = [[] for _ in self._least]
        if self.counts is not None:
            found = percentiles(self.counts.numpy(), limits.points, self._least, self._largest)
        return [self.exact.get(row, own) for row, own in enumerate(found)]
