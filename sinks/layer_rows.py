"""What is known of each layer of an environment, from its last measurements: the rows of the table of layers."""

from collections.abc import Iterator, Mapping
from typing import Any

from nissa.events.kinds import (
    ActivationsMeasured,
    EpochAssessed,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    WeightsMeasured,
)
from nissa.events.scope import Event
from nissa.sinks.ranked import MAX_LAYERS

__all__ = ["KINDS", "Last", "layer_rows", "remember"]

KINDS = (GradientsMeasured, WeightsMeasured, ActivationsMeasured, EpochAssessed)
"""What the rows are made of."""

Last = dict[type, Event[Any]]
"""The last event of each of these kinds in an environment, all of one episode."""


def remember(last: Last, event: Event[Any]) -> None:
    """Keep an event; what an episode before measured is of another network, and goes."""
    if any(known.scope.episode != event.scope.episode for known in last.values()):
        last.clear()
    last[type(event.payload)] = event


def layer_rows(last: Last) -> Iterator[dict[str, Any]]:
    """A row for each layer, those with a complaint first, then the largest; None where nothing was measured."""
    gradients, weights, activations = (_layers(last, kind) for kind in KINDS[:3])
    complaint = _complaints(last)
    names = dict.fromkeys([*complaint, *gradients, *weights, *activations])
    order = sorted(names, key=lambda name: (name not in complaint, -_elements(gradients.get(name))))
    for name in order[:MAX_LAYERS]:
        row = {"layer": name, "complaint": complaint.get(name)}
        yield row | _row(gradients.get(name), weights.get(name), activations.get(name))


def _row(
    gradient: LayerGradients | None, weights: LayerWeights | None, activation: LayerActivations | None
) -> dict[str, Any]:
    return {
        "elements": gradient and gradient.elements,
        "grad_norm": gradient and gradient.norm,
        "vanishing": gradient and gradient.vanishing,
        "weight_norm": weights and weights.norm,
        "update_ratio": weights and weights.update_ratio,
        "dormant": activation and activation.dormant,
        "effective_rank": activation and activation.effective_rank,
    }


def _layers(last: Last, kind: type) -> Mapping[str, Any]:
    return last[kind].payload.layers if kind in last else {}


def _complaints(last: Last) -> dict[str, str]:
    """The worst complaint about each layer; they come the worst first."""
    if EpochAssessed not in last:
        return {}
    pairs = [(name, complaint) for complaint, names in last[EpochAssessed].payload.complaints.items() for name in names]
    return dict(reversed(pairs))


def _elements(gradient: LayerGradients | None) -> int:
    return gradient.elements if gradient else -1
