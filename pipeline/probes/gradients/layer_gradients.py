"""Rows by layer, from the figures of the gradients.

>>> grads = [Gradient("fc", 2, 0)]
>>> row = layer_gradients(grads, Figures([5.0], [7.0], [0.0], [0.0], None), GradientConfig(track_std=False))["fc"]
>>> row.elements, row.norm, row.mean, row.std, row.percentiles
(2, 5.0, 3.5, None, {})
"""

from collections.abc import Sequence
from math import hypot, sqrt
from typing import Any

import torch
from torch import Tensor

from nissa.events.kinds import LayerGradients
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.bit_sketch import octaves, quantiles, shares
from nissa.pipeline.probes.gradients.device_statistics import Figures
from nissa.pipeline.probes.gradients.step_gradients import Gradient

__all__ = ["layer_gradients"]

_RESOLVED = 1e-3
"""Share of the mean square below which the variance is lost in the rounding of the norm: 1e-4 for a long tensor."""


def layer_gradients(shown: Sequence[Gradient], figures: Figures, config: GradientConfig) -> dict[str, LayerGradients]:
    """The rows of the layers that are shown, in their order, with what `config` asks for."""
    places: dict[str, list[int]] = {}
    for i, grad in enumerate(shown):
        places.setdefault(grad.layer, []).append(i)
    if figures.counts is None:
        distributions: list[dict[str, Any]] = [{"percentiles": {}} for _ in places]
    else:
        distributions = _distributions(figures.counts, config)
    return {
        layer: LayerGradients(**_moments(shown, figures, own, config), **distribution)
        for (layer, own), distribution in zip(places.items(), distributions, strict=True)
    }


def _moments(shown: Sequence[Gradient], figures: Figures, own: list[int], config: GradientConfig) -> dict[str, Any]:
    """Of the gradients `own`."""
    n, norm = sum(shown[i].n for i in own), hypot(*(figures.norms[i] for i in own))
    total = sum(figures.sums[i] for i in own)
    return {
        "elements": n,
        "norm": norm if config.track_norm else None,
        "mean": total / n,
        "std": _std(n, norm, total) if config.track_std else None,
        "exploding": sum(figures.above[i] for i in own) / n if config.detect_exploding else None,
        "non_finite": int(sum(figures.broken[i] for i in own)),
    }


def _std(n: int, norm: float, total: float) -> float | None:
    """Of n elements; None where it cannot be told, NaN and infinity as they are."""
    squares = norm * norm
    apart = squares - total * total / n
    return None if n < 2 or apart < _RESOLVED * squares else sqrt(apart / (n - 1))


def _distributions(counts: Tensor, config: GradientConfig) -> list[dict[str, Any]]:
    """By layer, what a sketch says."""
    percents = config.percentiles
    points = torch.tensor(percents, dtype=torch.float64, device="cpu") / 100
    read = quantiles(counts, points).tolist() if percents else [[]] * len(counts)
    parts = shares(counts, vanishing=config.vanishing_threshold).tolist()
    histograms = octaves(counts) if config.full_histogram else [None] * len(counts)
    return [
        {
            "percentiles": {f"p{percent}": value for percent, value in zip(percents, values, strict=True)},
            "zero": zero if config.detect_vanishing else None,
            "vanishing": vanishing if config.detect_vanishing else None,
            "histogram": histogram and {str(octave): n for octave, n in histogram.items()},
        }
        for values, (zero, vanishing), histogram in zip(read, parts, histograms, strict=True)
    ]
