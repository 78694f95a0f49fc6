"""Rows by layer or group, from what was found of each.

>>> found = {"fc": LayerFigures(Totals(2, 25.0, 7.0, 0, 0, 1, 1), [3.0])}
>>> row = layer_gradients(found, GradientConfig(track_std=False, percentiles=[50]))["fc"]
>>> row.elements, row.norm, row.mean, row.std, row.zero, row.percentiles
(2, 5.0, 3.5, None, 0.5, {'p50': 3.0})
"""

from collections.abc import Mapping
from functools import reduce
from math import sqrt

from nissa.events.kinds import LayerGradients, LayerGroup, LayerSample
from nissa.pipeline.config import GradientConfig
from nissa.pipeline.probes.gradients.bit_sketch import named
from nissa.pipeline.probes.gradients.layer_totals import LayerFigures, Totals
from nissa.pipeline.probes.model import group, together

__all__ = ["layer_gradients"]

_RESOLVED = 1e-3
"""Share of the mean square below which the variance is lost in the rounding of the norm: 1e-4 for a long tensor."""


def layer_gradients(found: Mapping[str, LayerFigures], config: GradientConfig) -> dict[str, LayerGradients]:
    """The rows of the layers, or of their groups, with what `config` asks for; of what has no elements none."""
    known = {layer: own for layer, own in found.items() if own.totals.elements}
    if not config.groups:
        return {layer: _row(own, config) for layer, own in known.items()}
    return {
        name: _of_group(name, {layer: known[layer] for layer in own}, config)
        for name, own in together(known, config.groups).items()
    }


def _of_group(name: str, layers: Mapping[str, LayerFigures], config: GradientConfig) -> LayerGradients:
    """All elements together; percentiles of all only where they are taken from samples."""
    whole = reduce(LayerFigures.plus, layers.values())
    of_each = {"percentiles": [] if whole.sample else config.percentiles, "full_histogram": False}
    rows = {layer: _row(own, config.model_copy(update=of_each)) for layer, own in layers.items()}
    figures = {layer: {"norm": row.norm, "vanishing": _small(row), **row.percentiles} for layer, row in rows.items()}
    return _row(whole, config, group(name, figures))


def _small(row: LayerGradients) -> float | None:
    """The vanishing share of what is not 0."""
    if row.vanishing is None or row.zero is None:
        return None
    return (row.vanishing - row.zero) / (1 - row.zero) if row.zero < 1 else 0.0


def _row(found: LayerFigures, config: GradientConfig, of: LayerGroup | None = None) -> LayerGradients:
    own = found.totals
    percentiles, errors = _percentiles(found, config)
    octaves = found.sample.octaves() if found.sample and config.full_histogram else found.octaves
    return LayerGradients(
        elements=int(own.elements),
        norm=sqrt(own.squares) if config.track_norm else None,
        mean=own.sums / own.elements,
        std=_spread(own) if config.track_std else None,
        percentiles=percentiles,
        zero=own.zero / own.elements if config.detect_vanishing else None,
        vanishing=own.vanishing / own.elements if config.detect_vanishing else None,
        exploding=own.above / own.elements if config.detect_exploding else None,
        non_finite=int(own.broken),
        histogram=None if octaves is None else named(octaves),
        sample=_sample(own, errors, config),
        group=of,
    )


def _percentiles(found: LayerFigures, config: GradientConfig) -> tuple[dict[str, float], dict[str, float]]:
    """By name, and the standard errors of those that are of a sample."""
    names = [f"p{percent}" for percent in config.percentiles]
    if found.sample is None:
        return dict(zip(names, found.percentiles, strict=False)), {}
    values, errors = found.sample.quantiles(tuple(percent / 100 for percent in config.percentiles))
    drawn = max(found.sample.weights) > 1
    return dict(zip(names, values, strict=True)), dict(zip(names, errors, strict=True)) if drawn else {}


def _sample(own: Totals, errors: dict[str, float], config: GradientConfig) -> LayerSample | None:
    """By the delta method: a norm is the root of what is estimated."""
    if not own.unseen and not errors:
        return None
    known = config.track_norm and own.squares > 0
    return LayerSample(
        seen=int(own.elements - own.unseen),
        norm_se=sqrt(own.squares_error / own.squares) / 2 if known else None,
        mean_se=sqrt(own.sums_error) / own.elements,
        percentiles_se=errors,
    )


def _spread(own: Totals) -> float | None:
    """Standard deviation; None where it cannot be told, NaN and infinity as they are."""
    n = own.elements
    apart = own.squares - own.sums * own.sums / n
    return None if n < 2 or apart < _RESOLVED * own.squares else sqrt(apart / (n - 1))
