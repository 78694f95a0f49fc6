"""Which numbers of events are drawn as curves? A chart is a field of a kind; its unit and meaning are the field's."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from nissa.events.event import Event
from nissa.events.kinds import (
    ActivationsMeasured,
    BatchCompleted,
    DecisionMade,
    EpisodeEnded,
    EpochAssessed,
    EpochCompleted,
    GradientsMeasured,
    HeadEntropy,
    HostBaselineEpoch,
    LayerActivations,
    LayerGradients,
    LayerWeights,
    MemoryMeasured,
    PolicyUpdated,
    RunStarted,
    ScalarsLogged,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.events.quantities import unit_of
from nissa.operators.policy import normalized_entropy

__all__ = ["KINDS", "Chart", "Reading", "meaning", "readings"]

Read = Callable[[Any], Iterable[tuple[str, float | None]]]


class Chart(NamedTuple):
    """What is drawn under one title."""

    name: str
    section: str
    along: str
    """What its points follow one another by: epochs, batches, measurements, updates, episodes or steps."""
    owner: type[Any]
    field: str


class Reading(NamedTuple):
    """A number for a chart, and what of its place it is of: a layer, a head; empty for the place itself."""

    chart: Chart
    part: str
    value: float


def _own(field: str) -> Read:
    return lambda row: [("", getattr(row, field))]


def _of(mapping: str, field: str) -> Read:
    """A field of each part of a mapping, such as the norm of each layer."""
    return lambda row: [(name, getattr(part, field)) for name, part in getattr(row, mapping).items()]


def _entropies(row: PolicyUpdated) -> Iterator[tuple[str, float | None]]:
    return ((name, normalized_entropy(head)) for name, head in row.heads.items())


def _fields(kind: type[Any], section: str, along: str, *names: str) -> list[tuple[type[Any], Chart, Read]]:
    return [(kind, Chart(name, section, along, kind, name), _own(name)) for name in names]


def _parts(
    kind: type[Any], part: type[Any], along: str, fields: Mapping[str, str]
) -> list[tuple[type[Any], Chart, Read]]:
    """Charts of a field of each layer, by their titles."""
    charts = {field: Chart(title, "Network", along, part, field) for title, field in fields.items()}
    return [(kind, chart, _of("layers", field)) for field, chart in charts.items()]


_UPDATE = (
    *("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction", "explained_variance", "ratio_max"),
    *("return_mean", "value_mean", "grad_norm", "learning_rate"),
)
_ALL: list[tuple[type[Any], Chart, Read]] = [
    *_fields(EpochCompleted, "Training", "epoch", "val_accuracy", "val_loss", "train_accuracy", "train_loss"),
    *_fields(EpochCompleted, "Training", "epoch", "total_params", "fossilized_params"),
    *_fields(BatchCompleted, "Batches", "batch", "loss", "accuracy", "host_grad_norm", "isolation_leakage"),
    *_fields(EpisodeEnded, "Episodes", "episode", "kept_accuracy", "final_accuracy", "growth_ratio", "total_reward"),
    *_fields(PolicyUpdated, "Policy", "update", *_UPDATE),
    (PolicyUpdated, Chart("normalized entropy by head", "Policy", "update", HeadEntropy, "entropy"), _entropies),
    *_fields(DecisionMade, "Policy", "epoch", "reward", "value"),
    *_fields(EpochAssessed, "Network", "epoch", "health"),
    *_parts(GradientsMeasured, LayerGradients, "measurement", {"gradient norm by layer": "norm"}),
    *_parts(GradientsMeasured, LayerGradients, "measurement", {"broken gradient elements by layer": "non_finite"}),
    *_parts(WeightsMeasured, LayerWeights, "epoch", {"weight norm by layer": "norm"}),
    *_parts(WeightsMeasured, LayerWeights, "epoch", {"update ratio by layer": "update_ratio"}),
    *_parts(ActivationsMeasured, LayerActivations, "epoch", {"dormant units by layer": "dormant"}),
    *_parts(ActivationsMeasured, LayerActivations, "epoch", {"effective rank by layer": "effective_rank"}),
    *_fields(SharpnessMeasured, "Network", "epoch", "sharpness"),
    *_fields(MemoryMeasured, "Process", "epoch", "resident", "allocated"),
]
_BY_KIND: dict[type[Any], list[tuple[Chart, Read]]] = {}
for _kind, _chart, _read in _ALL:
    _BY_KIND.setdefault(_kind, []).append((_chart, _read))

KINDS = (RunStarted, *_BY_KIND, HostBaselineEpoch, ScalarsLogged)
"""What curves are made of, and what they begin with."""
_MEANINGS = {
    "normalized entropy by head": (
        "ratio",
        "Entropy of each head by that of a policy that does not care, of the choices that were valid.",
    )
}
_SCALARS = "Scalars"


def readings(event: Event[Any]) -> Iterator[Reading]:
    """The numbers that an event has for charts; what was not measured has none."""
    if isinstance(event.payload, ScalarsLogged):
        for name, scalar in event.payload.values.items():
            yield Reading(Chart(name, _SCALARS, "step", ScalarsLogged, "values"), "", float(scalar))
    for chart, read in _BY_KIND.get(type(event.payload), ()):
        for part, value in read(event.payload):
            if value is not None:
                yield Reading(chart, part, float(value))


@cache
def meaning(chart: Chart) -> tuple[str, str]:
    """Unit and meaning, as the kind declares them."""
    if chart.section == _SCALARS:
        return "", "A scalar that the trainer named, in its own unit."
    if chart.name in _MEANINGS:
        return _MEANINGS[chart.name]
    told = TypeAdapter(chart.owner).json_schema()["properties"][chart.field]
    return unit_of(told) or "", " ".join(told.get("description", "").split())
