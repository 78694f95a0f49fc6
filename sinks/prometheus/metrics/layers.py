"""What goes on in each layer? Its gradient, its weights, what it puts out: few layers one by one, the rest together."""

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from math import floor, hypot, inf, log2
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    GradientsMeasured,
    LayerGradients,
    LayerWeights,
    Spread,
    WeightsMeasured,
)
from nissa.sinks.layer_ranking import broken, rank_layers
from nissa.sinks.prometheus.lifetimes import of_episode
from nissa.sinks.prometheus.metric import ENV, Labels, gauge
from nissa.sinks.prometheus.rows import Row, Rows, each

__all__ = ["TABLES"]


def _octave(layer: LayerWeights) -> float:
    """The power of two at or below the norm: layers of about one size do not change places at each epoch."""
    return floor(log2(layer.norm)) if layer.norm > 0 else -inf


_RANKS: Mapping[type, tuple[Callable[[Any], bool], Callable[[Any], float]]] = {
    GradientsMeasured: (
        lambda layer: layer.non_finite > 0 or broken(layer.norm, layer.mean, layer.std),
        lambda layer: layer.elements,
    ),
    WeightsMeasured: (lambda layer: broken(layer.norm, layer.update_ratio), _octave),
    ActivationsMeasured: (
        lambda layer: layer.non_finite > 0 or broken(layer.mean, layer.std),
        lambda layer: layer.dead is not None,
    ),
}
"""By kind which layers are ill, and which are large: those are shown."""


@lru_cache(maxsize=1)
def _split(event: Event[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The layers to show, and the others. Tables that read the same event do so one after the other."""
    return rank_layers(event.payload.layers, *_RANKS[type(event.payload)])


def _shown(at: Labels, event: Event[Any]) -> list[Row]:
    return [((*at, name), layer) for name, layer in _split(event)[0].items()]


def _others(at: Labels, event: Event[Any]) -> list[Row]:
    return [(at, _split(event)[1].values())]


def _elements(at: Labels, event: Event[GradientsMeasured]) -> list[Row]:
    return [
        ((*at, name, percentile), element)
        for name, layer in _split(event)[0].items()
        for percentile, element in layer.percentiles.items()
    ]


def _spread(figure: str) -> Rows:
    """How a figure differs over the layers of each group that is shown."""

    def rows(at: Labels, event: Event[Any]) -> list[Row]:
        shown = _split(event)[0].items()
        known = [(name, row.group.spread[figure]) for name, row in shown if row.group and figure in row.group.spread]
        return [((*at, name, point), value) for name, own in known for point, value in _points(own).items()]

    return rows


def _points(own: Spread) -> dict[str, float]:
    return {"p0": own.least, "p25": own.lower, "p50": own.median, "p75": own.upper, "p100": own.largest}


def _members(row: Any) -> int | None:
    return row.group.layers if row.group else None


def _norm_se(row: LayerGradients) -> float | None:
    return row.sample.norm_se if row.sample else None


def _seen(row: LayerGradients) -> int | None:
    return row.sample.seen if row.sample else None


def _together(layers: Collection[Any]) -> float | None:
    """The norm over several layers, 0 of none; None if it was not measured."""
    measured = [layer.norm for layer in layers if layer.norm is not None]
    return None if layers and not measured else hypot(*measured)


def _non_finite(row: GradientsMeasured | ActivationsMeasured) -> int:
    return sum(layer.non_finite for layer in row.layers.values())


def _dead(row: ActivationsMeasured) -> int | None:
    dead = [layer.dead for layer in row.layers.values() if layer.dead is not None]
    return sum(dead) if dead else None


TABLES = (
    of_episode(GradientsMeasured, (*ENV, "layer"), rows=_shown)(
        nissa_layer_grad_norm=gauge("L2 norm", "Norm of the layer's gradient when it was last measured.", "norm"),
        nissa_layer_grad_mean=gauge("none", "Mean of the elements of the layer's gradient.", "mean"),
        nissa_layer_grad_std=gauge("none", "Standard deviation of the elements of the layer's gradient.", "std"),
        nissa_layer_grad_zero_ratio=gauge("ratio", "Share of the layer's gradient that is 0.", "zero"),
        nissa_layer_grad_vanishing_ratio=gauge(
            "ratio", "Share of the layer's gradient below the threshold, zeros included.", "vanishing"
        ),
        nissa_layer_grad_exploding_ratio=gauge(
            "ratio", "Share of the layer's gradient above the threshold in magnitude.", "exploding"
        ),
        nissa_layer_grad_non_finite=gauge(
            "elements", "Elements of the layer's gradient that are NaN or infinite.", "non_finite"
        ),
        nissa_layer_grad_norm_se=gauge(
            "L2 norm", "Standard error of the norm of the layer's gradient, where that rests on a sample.", _norm_se
        ),
        nissa_layer_grad_sampled=gauge(
            "elements", "Elements that stand for the layer's gradient, where not all were looked at.", _seen
        ),
        nissa_layer_members=gauge("layers", "Layers that are told as this one, which is a group.", _members),
    ),
    of_episode(GradientsMeasured, (*ENV, "layer", "percentile"), rows=_spread("norm"))(
        nissa_group_grad_norm=gauge(
            "L2 norm", "Norm of the gradient of a group's layer at a percentile of its layers.", float
        ),
    ),
    of_episode(WeightsMeasured, (*ENV, "layer", "percentile"), rows=_spread("update_ratio"))(
        nissa_group_update_ratio=gauge(
            "ratio", "Update ratio of a group's layer at a percentile of its layers.", float
        ),
    ),
    of_episode(ActivationsMeasured, (*ENV, "layer", "percentile"), rows=_spread("dormant"))(
        nissa_group_dormant_ratio=gauge(
            "ratio", "Share of dormant units of a group's layer at a percentile of its layers.", float
        ),
    ),
    of_episode(WeightsMeasured, (*ENV, "layer"), rows=_shown)(
        nissa_layer_weight_norm=gauge("L2 norm", "Norm of the layer's weights after the epoch.", "norm"),
        nissa_layer_update_ratio=gauge(
            "ratio", "Norm of the weights' change over the epoch by their norm before it.", "update_ratio"
        ),
    ),
    of_episode(GradientsMeasured, (*ENV, "layer", "percentile"), rows=_elements)(
        nissa_layer_grad_element=gauge(
            "none", "Element of the layer's gradient at a percentile, with its sign.", float
        ),
    ),
    of_episode(GradientsMeasured, ENV)(
        nissa_layers=gauge("layers", "Layers with a gradient.", lambda row: len(row.layers)),
        nissa_grad_non_finite=gauge("elements", "Elements of all gradients that are NaN or infinite.", _non_finite),
    ),
    of_episode(GradientsMeasured, ENV, rows=_others)(
        nissa_other_layers=gauge(
            "layers", "Layers that are not shown one by one, because they have the fewest elements.", len
        ),
        nissa_other_layers_grad_norm=gauge(
            "L2 norm", "Norm over the gradients of the other layers together.", _together
        ),
    ),
    of_episode(WeightsMeasured, ENV, rows=_others)(
        nissa_other_layers_weight_norm=gauge(
            "L2 norm", "Norm over the weights of the layers with the smallest ones.", _together
        ),
    ),
    of_episode(GradientsMeasured, (*ENV, "slot"), rows=each("seed_to_host"))(
        nissa_slot_host_grad_ratio=gauge("factor", "Norm of the seed's gradient by that of the host's.", float),
    ),
    of_episode(ActivationsMeasured, (*ENV, "layer"), rows=_shown)(
        nissa_layer_activation_mean=gauge("none", "Mean of what the layer puts out for a batch.", "mean"),
        nissa_layer_activation_std=gauge("none", "Standard deviation of what the layer puts out for a batch.", "std"),
        nissa_layer_activation_zero_ratio=gauge("ratio", "Share of what the layer puts out that is 0.", "zero"),
        nissa_layer_activation_non_finite=gauge(
            "values", "Values that the layer puts out that are NaN or infinite.", "non_finite"
        ),
        nissa_layer_dead_units=gauge(
            "units", "Units of an activation function that are 0 for the whole batch.", "dead"
        ),
        nissa_layer_dormant_ratio=gauge(
            "ratio", "Share of an activation function's units that are dormant or dead.", "dormant"
        ),
        nissa_layer_effective_rank=gauge(
            "dimensions", "Effective rank of what the layer puts out, samples by units.", "effective_rank"
        ),
    ),
    of_episode(ActivationsMeasured, ENV)(
        nissa_dead_units=gauge("units", "Units of all activation functions that are 0 for the whole batch.", _dead),
        nissa_activation_non_finite=gauge(
            "values", "Values that any layer puts out that are NaN or infinite.", _non_finite
        ),
    ),
    of_episode(ActivationsMeasured, ENV, rows=_others)(
        nissa_other_activation_layers=gauge(
            "layers", "Layers with measured activations that are not shown one by one.", len
        ),
    ),
)
