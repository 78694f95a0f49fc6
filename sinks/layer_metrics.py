"""What goes on in each layer? The layers with the largest norms one by one, the rest together."""

from collections.abc import Iterator, Mapping
from math import hypot, isfinite
from typing import TypeVar

from nissa.events.kinds import GradientsMeasured, LayerGradients, LayerWeights, WeightsMeasured
from nissa.events.scope import Event
from nissa.sinks.declare import ENV, Labels, Readings, Rows, Sample, metrics

__all__ = ["GAUGES", "MAX_LAYERS", "METRICS"]

MAX_LAYERS = 16
"""Layers of an environment that are shown one by one."""

_GRADIENT: Rows = {
    "nissa_layer_grad_norm": ("L2 norm", "Norm of the layer's gradient in the last batch of the epoch."),
    "nissa_layer_grad_std": ("none", "Standard deviation of the elements of the layer's gradient."),
    "nissa_layer_grad_zero_ratio": ("ratio", "Share of the layer's gradient that is 0."),
    "nissa_layer_grad_vanishing_ratio": ("ratio", "Share of the layer's gradient below 1e-7 in magnitude."),
    "nissa_layer_grad_exploding_ratio": ("ratio", "Share of the layer's gradient above 1e3 in magnitude."),
    "nissa_layer_grad_non_finite": ("elements", "Elements of the layer's gradient that are NaN or infinite."),
}
_WEIGHT: Rows = {
    "nissa_layer_weight_norm": ("L2 norm", "Norm of the layer's weights after the epoch."),
    "nissa_layer_update_ratio": ("ratio", "Norm of the weights' change over the epoch by their norm before it."),
}
_ALL: Rows = {
    "nissa_layers": ("layers", "Layers with a gradient."),
    "nissa_grad_non_finite": ("elements", "Elements of all gradients that are NaN or infinite."),
    "nissa_other_layers": ("layers", "Layers that are not shown one by one, because their gradients are the smallest."),
    "nissa_other_layers_grad_norm": ("L2 norm", "Norm over the gradients of the other layers together."),
    "nissa_other_layers_weight_norm": ("L2 norm", "Norm over the weights of the layers with the smallest ones."),
}
_SEED: Rows = {"nissa_slot_host_grad_ratio": ("ratio", "Norm of the seed's gradient by that of the host's.")}

METRICS = (
    *metrics("gauge", (*ENV, "layer"), {**_GRADIENT, **_WEIGHT}),
    *metrics("gauge", ENV, _ALL),
    *metrics("gauge", (*ENV, "slot"), _SEED),
)

L = TypeVar("L", LayerGradients, LayerWeights)


def _gradients(at: Labels, event: Event[GradientsMeasured]) -> Iterator[Sample]:
    row = event.payload
    shown, rest = _largest(row.layers)
    for name, layer in shown:
        yield from _layer((*at, name), layer)
    yield "nissa_layers", at, len(row.layers)
    yield "nissa_grad_non_finite", at, sum(layer.non_finite for layer in row.layers.values())
    yield "nissa_other_layers", at, len(rest)
    yield "nissa_other_layers_grad_norm", at, hypot(*(layer.norm for _, layer in rest))
    for slot, ratio in row.seed_to_host.items():
        yield "nissa_slot_host_grad_ratio", (*at, slot), ratio


def _layer(at: Labels, layer: LayerGradients) -> Iterator[Sample]:
    yield "nissa_layer_grad_norm", at, layer.norm
    yield "nissa_layer_grad_std", at, layer.std
    yield "nissa_layer_grad_zero_ratio", at, layer.zero
    yield "nissa_layer_grad_vanishing_ratio", at, layer.vanishing
    yield "nissa_layer_grad_exploding_ratio", at, layer.exploding
    yield "nissa_layer_grad_non_finite", at, layer.non_finite


def _weights(at: Labels, event: Event[WeightsMeasured]) -> Iterator[Sample]:
    shown, rest = _largest(event.payload.layers)
    for name, layer in shown:
        yield "nissa_layer_weight_norm", (*at, name), layer.norm
        yield "nissa_layer_update_ratio", (*at, name), layer.update_ratio
    yield "nissa_other_layers_weight_norm", at, hypot(*(layer.norm for _, layer in rest))


def _largest(layers: Mapping[str, L]) -> tuple[list[tuple[str, L]], list[tuple[str, L]]]:
    """The layers to show, the largest norms first, and the others. A broken norm is the largest of all."""
    ranked = sorted(layers.items(), key=lambda item: (not isfinite(item[1].norm), item[1].norm), reverse=True)
    return ranked[:MAX_LAYERS], ranked[MAX_LAYERS:]


GAUGES: Readings = {GradientsMeasured: _gradients, WeightsMeasured: _weights}
