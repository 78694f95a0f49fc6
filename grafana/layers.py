"""What goes on layer by layer? Gradients, weights and activations."""

from typing import Any

from nissa.grafana.frame import Sections
from nissa.grafana.panels import NONE, lines, strips
from nissa.grafana.queries import Query, of
from nissa.grafana.thresholds import ANY, MOST_OF_A_LAYER, Limits

__all__ = ["MEDIAN", "layers", "median"]

MEDIAN = "Median over the environments chosen; choose one to see it alone."
"""What a reader must know of such a panel."""


def layers() -> Sections:
    """The sections of the dashboard "Nissa network" that have a line or a row for each layer."""
    return {"Gradients": _gradients(), "Weights": _weights(), "Activations": _activations()}


def median(metric: str, by: str = "layer") -> str:
    """Median of a metric over what `by` leaves out."""
    return f"quantile by ({by}) (0.5, {of(metric)})"


def _gradients() -> list[Any]:
    norm = f"Power of ten of the norm of each layer's gradient: darker is larger. {MEDIAN}"
    ends = Query(median("nissa_layer_grad_element", "layer, percentile"), "{{layer}} {{percentile}}")
    broken = Query(f"sum by (layer) ({of('nissa_layer_grad_non_finite')})", "{{layer}}")
    others = f"Norm over the gradients of layers that are not shown one by one. {MEDIAN}"
    rest = Query(median("nissa_other_layers_grad_norm", "run, group"), "{{run}} {{group}}")
    return [
        strips(
            "Gradients of the layers", norm, "none", Query(f"log10({median('nissa_layer_grad_norm')})", "{{layer}}")
        ),
        _layers(
            "Vanishing",
            "Share of the gradient below the threshold, zeros included.",
            "percentunit",
            "nissa_layer_grad_vanishing_ratio",
            MOST_OF_A_LAYER,
        ),
        _layers(
            "Exploding",
            "Share of the gradient above the threshold.",
            "percentunit",
            "nissa_layer_grad_exploding_ratio",
            MOST_OF_A_LAYER,
        ),
        _layers("Zero", "Share of the gradient that is 0.", "percentunit", "nissa_layer_grad_zero_ratio"),
        _layers("Spread", "Standard deviation of the gradient's elements.", "sci", "nissa_layer_grad_std"),
        _layers("Mean", "Of the gradient's elements.", "sci", "nissa_layer_grad_mean"),
        lines("Broken elements", "NaN or infinite, over environments.", "short", broken, size=(8, 8), limits=ANY),
        strips("Percentiles", f"Elements of the gradient, with their sign. {MEDIAN}", "sci", ends, size=(16, 9)),
        lines("Gradients of other layers", others, "short", rest, size=(8, 9)),
    ]


def _weights() -> list[Any]:
    step = "Power of ten of the change of the weights over the epoch by their norm before it: darker is larger."
    rest = Query(median("nissa_other_layers_weight_norm", "run, group"), "{{run}} {{group}}")
    return [
        strips(
            "Updates", f"{step} {MEDIAN}", "none", Query(f"log10({median('nissa_layer_update_ratio')})", "{{layer}}")
        ),
        lines("Norm of the weights", MEDIAN, "short", Query(median("nissa_layer_weight_norm"), "{{layer}}")),
        lines(
            "Weights of other layers", f"Norm over the weights of layers not shown one by one. {MEDIAN}", "short", rest
        ),
    ]


def _activations() -> list[Any]:
    dormant = f"Share of a layer's units that say next to nothing; darker is more. {MEDIAN}"
    rank = "How many directions the layer uses, of samples by units; a fall means that units say the same."
    broken = Query(f"sum by (layer) ({of('nissa_layer_activation_non_finite')})", "{{layer}}")
    return [
        strips("Dormant units", dormant, "percentunit", Query(median("nissa_layer_dormant_ratio"), "{{layer}}")),
        _layers("Dead units by layer", "Units that are 0 for the whole batch.", "short", "nissa_layer_dead_units"),
        _layers("Effective rank", rank, "short", "nissa_layer_effective_rank"),
        _layers(
            "Zeros", "Share of what the layer puts out that is 0.", "percentunit", "nissa_layer_activation_zero_ratio"
        ),
        _layers("Mean activation", "Of what the layer puts out.", "none", "nissa_layer_activation_mean"),
        _layers(
            "Spread of activations",
            "Standard deviation of what the layer puts out.",
            "none",
            "nissa_layer_activation_std",
        ),
        lines("Broken values", "NaN or infinite, over environments.", "short", broken, size=(8, 8), limits=ANY),
    ]


def _layers(title: str, text: str, unit: str, metric: str, limits: Limits = NONE) -> Any:
    return lines(title, f"{text} {MEDIAN}", unit, Query(median(metric), "{{layer}}"), size=(8, 8), limits=limits)
