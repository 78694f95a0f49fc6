"""What goes on in each layer's gradient and weights? The largest layers one by one, the rest together."""

from collections.abc import Iterable, Iterator
from math import floor, hypot, inf, log2

from nissa.events.event import Event
from nissa.events.kinds import GradientsMeasured, LayerGradients, LayerWeights, WeightsMeasured
from nissa.sinks.layer_ranking import broken, ranked
from nissa.sinks.prometheus.metric import ENV, Labels, Readings, Rows, Sample, metrics

__all__ = ["GAUGES", "METRICS"]

_GRADIENT: Rows = {
    "nissa_layer_grad_norm": ("L2 norm", "Norm of the layer's gradient when it was last measured."),
    "nissa_layer_grad_mean": ("none", "Mean of the elements of the layer's gradient."),
    "nissa_layer_grad_std": ("none", "Standard deviation of the elements of the layer's gradient."),
    "nissa_layer_grad_zero_ratio": ("ratio", "Share of the layer's gradient that is 0."),
    "nissa_layer_grad_vanishing_ratio": ("ratio", "Share of the layer's gradient below the threshold, zeros included."),
    "nissa_layer_grad_exploding_ratio": ("ratio", "Share of the layer's gradient above the threshold in magnitude."),
    "nissa_layer_grad_non_finite": ("elements", "Elements of the layer's gradient that are NaN or infinite."),
}
_ELEMENT: Rows = {
    "nissa_layer_grad_element": ("none", "Element of the layer's gradient at a percentile, with its sign.")
}
_WEIGHT: Rows = {
    "nissa_layer_weight_norm": ("L2 norm", "Norm of the layer's weights after the epoch."),
    "nissa_layer_update_ratio": ("ratio", "Norm of the weights' change over the epoch by their norm before it."),
}
_ALL: Rows = {
    "nissa_layers": ("layers", "Layers with a gradient."),
    "nissa_grad_non_finite": ("elements", "Elements of all gradients that are NaN or infinite."),
    "nissa_other_layers": ("layers", "Layers that are not shown one by one, because they have the fewest elements."),
    "nissa_other_layers_grad_norm": ("L2 norm", "Norm over the gradients of the other layers together."),
    "nissa_other_layers_weight_norm": ("L2 norm", "Norm over the weights of the layers with the smallest ones."),
}
_SEED: Rows = {"nissa_slot_host_grad_ratio": ("factor", "Norm of the seed's gradient by that of the host's.")}

METRICS = (
    *metrics("gauge", (*ENV, "layer"), {**_GRADIENT, **_WEIGHT}),
    *metrics("gauge", (*ENV, "layer", "percentile"), _ELEMENT),
    *metrics("gauge", ENV, _ALL),
    *metrics("gauge", (*ENV, "slot"), _SEED),
)


def _gradients(at: Labels, event: Event[GradientsMeasured]) -> Iterator[Sample]:
    row = event.payload
    shown, rest = ranked(row.layers, _ill, lambda layer: layer.elements)
    for name, layer in shown.items():
        yield from _layer((*at, name), layer)
    yield "nissa_layers", at, len(row.layers)
    yield "nissa_grad_non_finite", at, sum(layer.non_finite for layer in row.layers.values())
    yield "nissa_other_layers", at, len(rest)
    yield "nissa_other_layers_grad_norm", at, _together(layer.norm for layer in rest.values())
    for slot, ratio in row.seed_to_host.items():
        yield "nissa_slot_host_grad_ratio", (*at, slot), ratio


def _layer(at: Labels, layer: LayerGradients) -> Iterator[Sample]:
    yield "nissa_layer_grad_norm", at, layer.norm
    yield "nissa_layer_grad_mean", at, layer.mean
    yield "nissa_layer_grad_std", at, layer.std
    yield "nissa_layer_grad_zero_ratio", at, layer.zero
    yield "nissa_layer_grad_vanishing_ratio", at, layer.vanishing
    yield "nissa_layer_grad_exploding_ratio", at, layer.exploding
    yield "nissa_layer_grad_non_finite", at, layer.non_finite
    for percentile, element in layer.percentiles.items():
        yield "nissa_layer_grad_element", (*at, percentile), element


def _weights(at: Labels, event: Event[WeightsMeasured]) -> Iterator[Sample]:
    shown, rest = ranked(event.payload.layers, _ill_weights, _octave)
    for name, layer in shown.items():
        yield "nissa_layer_weight_norm", (*at, name), layer.norm
        yield "nissa_layer_update_ratio", (*at, name), layer.update_ratio
    yield "nissa_other_layers_weight_norm", at, _together(layer.norm for layer in rest.values())


def _ill(layer: LayerGradients) -> bool:
    return layer.non_finite > 0 or broken(layer.norm, layer.mean, layer.std)


def _ill_weights(layer: LayerWeights) -> bool:
    return broken(layer.norm, layer.update_ratio)


def _octave(layer: LayerWeights) -> float:
    """The power of two at or below the norm: layers of about one size do not change places at each epoch."""
    return floor(log2(layer.norm)) if layer.norm > 0 else -inf


def _together(norms: Iterable[float | None]) -> float | None:
    """The norm over several layers, 0 of none; None if it was not measured."""
    norms = list(norms)
    measured = [norm for norm in norms if norm is not None]
    return None if norms and not measured else hypot(*measured)


GAUGES: Readings = {GradientsMeasured: _gradients, WeightsMeasured: _weights}
