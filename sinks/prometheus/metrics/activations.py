"""What does each layer put out? Dead and dormant units, effective rank; few layers one by one, dead units over all."""

from collections.abc import Iterator

from nissa.events.event import Event
from nissa.events.kinds import ActivationsMeasured, LayerActivations
from nissa.sinks.layer_ranking import broken, ranked
from nissa.sinks.prometheus.metric import ENV, Labels, Readings, Rows, Sample, metrics

__all__ = ["GAUGES", "METRICS"]

_LAYER: Rows = {
    "nissa_layer_activation_mean": ("none", "Mean of what the layer puts out for a batch."),
    "nissa_layer_activation_std": ("none", "Standard deviation of what the layer puts out for a batch."),
    "nissa_layer_activation_zero_ratio": ("ratio", "Share of what the layer puts out that is 0."),
    "nissa_layer_activation_non_finite": ("values", "Values that the layer puts out that are NaN or infinite."),
    "nissa_layer_dead_units": ("units", "Units of an activation function that are 0 for the whole batch."),
    "nissa_layer_dormant_ratio": ("ratio", "Share of an activation function's units that are dormant or dead."),
    "nissa_layer_effective_rank": ("dimensions", "Effective rank of what the layer puts out, samples by units."),
}
_ALL: Rows = {
    "nissa_dead_units": ("units", "Units of all activation functions that are 0 for the whole batch."),
    "nissa_activation_non_finite": ("values", "Values that any layer puts out that are NaN or infinite."),
    "nissa_other_activation_layers": ("layers", "Layers with measured activations that are not shown one by one."),
}

METRICS = (*metrics("gauge", (*ENV, "layer"), _LAYER), *metrics("gauge", ENV, _ALL))


def _activations(at: Labels, event: Event[ActivationsMeasured]) -> Iterator[Sample]:
    layers = event.payload.layers
    shown, rest = ranked(layers, _ill, lambda layer: layer.dead is not None)
    for name, layer in shown.items():
        yield from _layer((*at, name), layer)
    dead = [layer.dead for layer in layers.values() if layer.dead is not None]
    yield "nissa_dead_units", at, sum(dead) if dead else None
    yield "nissa_activation_non_finite", at, sum(layer.non_finite for layer in layers.values())
    yield "nissa_other_activation_layers", at, len(rest)


def _layer(at: Labels, layer: LayerActivations) -> Iterator[Sample]:
    yield "nissa_layer_activation_mean", at, layer.mean
    yield "nissa_layer_activation_std", at, layer.std
    yield "nissa_layer_activation_zero_ratio", at, layer.zero
    yield "nissa_layer_activation_non_finite", at, layer.non_finite
    yield "nissa_layer_dead_units", at, layer.dead
    yield "nissa_layer_dormant_ratio", at, layer.dormant
    yield "nissa_layer_effective_rank", at, layer.effective_rank


def _ill(layer: LayerActivations) -> bool:
    return layer.non_finite > 0 or broken(layer.mean, layer.std)


GAUGES: Readings = {ActivationsMeasured: _activations}
