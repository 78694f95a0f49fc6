"""Rows by layer, from what was found of each.

>>> totals = Totals(*np.array([[2.0], [25.0], [7.0], [0.0], [0.0], [1.0], [1.0]]))
>>> config = GradientConfig(track_std=False, percentiles=[50])
>>> row = layer_gradients(["fc"], LayerTotals(totals, [[3.0]], []), config)["fc"]
>>> row.elements, row.norm, row.mean, row.std, row.zero, row.percentiles
(2, 5.0, 3.5, None, 0.5, {'p50': 3.0})
"""

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np

from nissa.events.kinds import LayerGradients
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.bit_sketch import named
from nissa.pipeline.probes.gradients.layer_totals import Array, LayerTotals, Totals

__all__ = ["layer_gradients"]

_RESOLVED = 1e-3
"""Share of the mean square below which the variance is lost in the rounding of the norm: 1e-4 for a long tensor."""


@np.errstate(all="ignore")
def layer_gradients(layers: Sequence[str], found: LayerTotals, config: GradientConfig) -> dict[str, LayerGradients]:
    """The rows of the layers, the first of those found, with what `config` asks for; of what has no elements none."""
    totals = Totals(*(column[: len(layers)] for column in found.totals))
    names = [f"p{percent}" for percent in config.percentiles]
    told = zip(
        *(layers, totals.elements.tolist(), _asked(np.sqrt(totals.squares), config.track_norm)),
        *((totals.sums / totals.elements).tolist(), _spread(totals) if config.track_std else repeat(None)),
        *(found.percentiles or repeat(()), found.octaves or repeat(None), totals.broken.tolist()),
        *(_asked(column / totals.elements, config.detect_vanishing) for column in (totals.zero, totals.vanishing)),
        _asked(totals.above / totals.elements, config.detect_exploding),
        strict=False,
    )
    return {
        layer: LayerGradients(
            elements=int(n),
            norm=norm,
            mean=mean,
            std=std,
            percentiles=dict(zip(names, percentiles, strict=True)),
            zero=zero,
            vanishing=vanishing,
            exploding=exploding,
            non_finite=int(broken),
            histogram=None if octaves is None else named(octaves),
        )
        for layer, n, norm, mean, std, percentiles, octaves, broken, zero, vanishing, exploding in told
        if n
    }


def _asked(column: Array, asked: bool) -> Iterable[float | None]:
    return column.tolist() if asked else repeat(None)


def _spread(totals: Totals) -> list[float | None]:
    """Standard deviations; None where it cannot be told, NaN and infinity as they are."""
    apart = totals.squares - np.square(totals.sums) / totals.elements
    untold = (totals.elements < 2) | (apart < _RESOLVED * totals.squares)
    found = np.sqrt(apart / (totals.elements - 1))
    return [None if hidden else std for hidden, std in zip(untold.tolist(), found.tolist(), strict=True)]
