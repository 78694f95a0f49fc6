"""Rows by layer, from what was found of each.

>>> found = LayerTotals([Totals(2, 25.0, 7.0, 0, 0, 1, 1)], [[3.0]], [])
>>> row = layer_gradients(["fc"], found, GradientConfig(track_std=False, percentiles=[50]))["fc"]
>>> row.elements, row.norm, row.mean, row.std, row.zero, row.percentiles
(2, 5.0, 3.5, None, 0.5, {'p50': 3.0})
"""

from collections.abc import Iterable, Sequence
from itertools import repeat
from math import sqrt

from nissa.events.kinds import LayerGradients
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.bit_sketch import named
from nissa.pipeline.probes.gradients.layer_totals import LayerTotals, Totals

__all__ = ["layer_gradients"]

_RESOLVED = 1e-3
"""Share of the mean square below which the variance is lost in the rounding of the norm: 1e-4 for a long tensor."""


def layer_gradients(layers: Sequence[str], found: LayerTotals, config: GradientConfig) -> dict[str, LayerGradients]:
    """The rows of the layers, the first of those found, with what `config` asks for; of what has no elements none."""
    names = [f"p{percent}" for percent in config.percentiles]
    percentiles: Iterable[Sequence[float]] = found.percentiles or repeat(())
    octaves: Iterable[Sequence[int] | None] = found.octaves or repeat(None)
    return {
        layer: LayerGradients(
            elements=int(own.elements),
            norm=sqrt(own.squares) if config.track_norm else None,
            mean=own.sums / own.elements,
            std=_spread(own) if config.track_std else None,
            percentiles=dict(zip(names, values, strict=True)),
            zero=own.zero / own.elements if config.detect_vanishing else None,
            vanishing=own.vanishing / own.elements if config.detect_vanishing else None,
            exploding=own.above / own.elements if config.detect_exploding else None,
            non_finite=int(own.broken),
            histogram=None if counts is None else named(counts),
        )
        for layer, own, values, counts in zip(layers, found.totals, percentiles, octaves, strict=False)
        if own.elements
    }


def _spread(own: Totals) -> float | None:
    """Standard deviation; None where it cannot be told, NaN and infinity as they are."""
    n = own.elements
    apart = own.squares - own.sums * own.sums / n
    return None if n < 2 or apart < _RESOLVED * own.squares else sqrt(apart / (n - 1))
