"""What is known of each layer of an environment, from its last measurements: the rows of the table of layers."""

from collections.abc import Iterator, Mapping
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    EpochAssessed,
    GradientsMeasured,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    WeightsMeasured,
)
from nissa.sinks.layer_ranking import MAX_LAYERS

__all__ = ["KINDS", "Last", "layer_rows", "remember"]

KINDS = (GradientsMeasured, WeightsMeasured, ActivationsMeasured, EpochAssessed)
"""What the rows are made of."""

Last = dict[type, Event[Any]]
"""The last event of each of these kinds in an environment, all of one episode."""


def remember(last: Last, event: Event[Any]) -> None:
    """Keep an event. What an episode before measured is of another network, and goes; what an epoch before measured
    goes when the next one is assessed, so that no row shows as of now what was measured long ago.
    """
    before = last.get(EpochAssessed) if type(event.payload) is EpochAssessed else None
    since = before.seq if before else -1
    over = [kind for kind, row in last.items() if row.scope.episode != event.scope.episode or row.seq < since]
    # Never empty, even for a moment: another thread may be reading.
    last[type(event.payload)] = event
    for kind in over:
        if last[kind] is not event:
            del last[kind]


def layer_rows(last: Last) -> Iterator[dict[str, Any]]:
    """A row for each layer, None where nothing was measured: the worst complaints first, then the largest layers,
    equals in the order of the network.
    """
    gradients, weights, activations = (_layers(last, kind) for kind in KINDS[:3])
    complaint = _complaints(last)
    names = dict.fromkeys([*gradients, *weights, *activations, *complaint])
    severity = [*dict.fromkeys(complaint.values()), None]
    order = sorted(names, key=lambda name: (severity.index(complaint.get(name)), -_elements(gradients.get(name))))
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
    """The worst complaint about each layer, the worst first, as they come."""
    complaints: Mapping[str, list[str]] = last[EpochAssessed].payload.complaints if EpochAssessed in last else {}
    worst: dict[str, str] = {}
    for complaint, names in complaints.items():
        for name in names:
            worst.setdefault(name, complaint)
    return worst


def _elements(gradient: LayerGradients | None) -> int:
    return gradient.elements if gradient else -1
