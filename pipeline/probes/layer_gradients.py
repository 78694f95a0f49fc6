"""What do the figures of the gradients say of each layer?

>>> grads = [Gradient("fc", 2, 0)]
>>> row = layer_gradients(grads, Figures([5.0], [7.0], [0.0], None), GradientConfig(track_std=False))["fc"]
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
from nissa.pipeline.probes.bit_sketch import octaves, quantiles, shares
from nissa.pipeline.probes.gathering import Figures, Gradient

__all__ = ["layer_gradients"]


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
    """Of the gradients `own`. The deviation loses digits where the mean is much larger than it."""
    n, norm = sum(shown[i].n for i in own), hypot(*(figures.norms[i] for i in own))
    total = sum(figures.sums[i] for i in own)
    std = sqrt(_positive(norm * norm - total * total / n) / (n - 1)) if n > 1 and config.track_std else None
    return {
        "elements": n,
        "norm": norm if config.track_norm else None,
        "mean": total / n,
        "std": std,
        "non_finite": int(sum(figures.broken[i] for i in own)),
    }


def _positive(value: float) -> float:
    """At least 0, and NaN as it is."""
    return 0.0 if value < 0 else value


def _distributions(counts: Tensor, config: GradientConfig) -> list[dict[str, Any]]:
    """By layer, what a sketch says."""
    percents = config.percentiles
    points = torch.tensor(percents, dtype=torch.float64) / 100
    read = quantiles(counts, points).tolist() if percents else [[]] * len(counts)
    limits = {"vanishing": config.vanishing_threshold, "exploding": config.exploding_threshold}
    parts = shares(counts, **limits).tolist()
    histograms = octaves(counts) if config.full_histogram else [None] * len(counts)
    return [
        {
            "percentiles": {f"p{percent}": value for percent, value in zip(percents, values, strict=True)},
            "zero": zero if config.detect_vanishing else None,
            "vanishing": vanishing if config.detect_vanishing else None,
            "exploding": exploding if config.detect_exploding else None,
            "histogram": histogram and {str(octave): n for octave, n in histogram.items()},
        }
        for values, (zero, vanishing, exploding), histogram in zip(read, parts, histograms, strict=True)
    ]
