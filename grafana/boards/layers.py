"""What goes on layer by layer? Gradients, weights and activations."""

from collections.abc import Callable
from typing import Any

from nissa.grafana.boards.frame import Sections
from nissa.grafana.panels import ANY, MOST_OF_A_LAYER, NONE, Limits, lines, strips
from nissa.grafana.promql import AT_THE_END, Query, median, of, total

__all__ = ["MEDIAN", "layers"]

MEDIAN = "Median over the environments chosen; choose one to see it alone. NaN counts as the lowest value."
"""What a reader must know of such a panel."""

_GROUP = "{{group}} {{run}}"
_LAYER = "run, group, layer"
_SHOWN = 5
"""Layers of a group that are drawn as lines: as many as one can follow."""


def layers() -> Sections:
    """The sections of the dashboard "Nissa network" that have a line or a row for each layer."""
    return {"Gradients": _gradients(), "Weights": _weights(), "Activations": _activations()}


def _gradients() -> list[Any]:
    norm = "Power of ten of the norm of each layer's gradient: darker is larger."
    percentiles = median(of("nissa_layer_grad_element", percentile="p5|p50|p95"), f"{_LAYER}, percentile")
    ends = Query(percentiles, f"{{{{layer}}}} {{{{percentile}}}} {_GROUP}")
    elements = f"Three percentiles of the elements of each layer's gradient, with their sign. {MEDIAN}"
    vanishing, exploding = (f"nissa_layer_grad_{name}_ratio" for name in ("vanishing", "exploding"))
    small = "Share of the gradient below the threshold, zeros included."
    return [
        _powers("Gradients of the layers", norm, "nissa_layer_grad_norm"),
        _layers("Vanishing", small, "percentunit", vanishing, MOST_OF_A_LAYER),
        _layers("Exploding", "Share of the gradient above the threshold.", "percentunit", exploding, MOST_OF_A_LAYER),
        _layers("Gradient: spread", "Standard deviation of the gradient's elements.", "sci", "nissa_layer_grad_std"),
        _layers("Gradient: mean", "Of the gradient's elements.", "sci", "nissa_layer_grad_mean"),
        _broken("Broken elements", "Elements of gradients", "nissa_layer_grad_non_finite"),
        _others("Gradients of other layers", "gradients", "nissa_other_layers_grad_norm"),
        strips("Percentiles", elements, "sci", ends),
    ]


def _weights() -> list[Any]:
    step = "Power of ten of the change of the weights over the epoch by their norm before it: darker is larger."
    return [
        _powers("Update ratio", step, "nissa_layer_update_ratio"),
        _layers("Norm of the weights", "Of each layer.", "short", "nissa_layer_weight_norm"),
        _others("Weights of other layers", "weights", "nissa_other_layers_weight_norm"),
    ]


def _activations() -> list[Any]:
    dormant = f"Share of a layer's units that say next to nothing; darker is more. {MEDIAN}"
    share = Query(median(of("nissa_layer_dormant_ratio"), _LAYER), f"{{{{layer}}}} {_GROUP}")
    zeros = "Share of what the layer puts out that is 0."
    spread = "Standard deviation of what the layer puts out."
    return [
        strips("Dormant units", dormant, "percentunit", share),
        _layers("Dead units by layer", "Units that are 0 for the whole batch.", "short", "nissa_layer_dead_units"),
        _rank(),
        _layers("Zeros", zeros, "percentunit", "nissa_layer_activation_zero_ratio"),
        _layers("Mean activation", "Of what the layer puts out.", "none", "nissa_layer_activation_mean"),
        _layers("Spread of activations", spread, "none", "nissa_layer_activation_std"),
        _broken("Broken values", "Values that the layer puts out", "nissa_layer_activation_non_finite"),
    ]


def _powers(title: str, text: str, metric: str) -> Any:
    """Of what is 0 there is no power."""
    query = Query(f"log10({median(of(metric), _LAYER)} > 0)", f"{{{{layer}}}} {_GROUP}")
    return strips(title, f"{text} {MEDIAN}", "none", query)


def _layers(title: str, text: str, unit: str, metric: str, limits: Limits = NONE) -> Any:
    told = f"{text} The five layers of a group whose last value is largest. {MEDIAN}"
    return lines(title, told, unit, _extreme(metric, median, "topk"), limits=limits)


def _rank() -> Any:
    text = (
        "How many directions the layer uses, of samples by units; a fall means that units say the same. The five "
        f"layers of a group whose last value is smallest. {MEDIAN}"
    )
    return lines("Effective rank", text, "short", _extreme("nissa_layer_effective_rank", median, "bottomk"))


def _broken(title: str, what: str, metric: str) -> Any:
    text = f"{what} that are NaN or infinite, over environments. The five layers of a group that have most at last."
    return lines(title, text, "short", _extreme(metric, total, "topk"), limits=ANY)


def _extreme(metric: str, combined: Callable[[str, str], str], which: str) -> Query:
    """The layers that are foremost at the end of the time range, at all points of it."""
    then = combined(f"last_over_time({of(metric)}{AT_THE_END})", _LAYER)
    return Query(
        f"{combined(of(metric), _LAYER)} and {which} by (run, group) ({_SHOWN}, {then})", f"{{{{layer}}}} {_GROUP}"
    )


def _others(title: str, what: str, metric: str) -> Any:
    text = f"Norm over the {what} of layers that are not shown one by one. {MEDIAN}"
    return lines(title, text, "short", Query(median(of(metric)), _GROUP))
