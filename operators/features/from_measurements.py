"""The features that a measurement gives: its figures, by the paths and under the names of the table.

>>> from nissa.events.kinds import LayerWeights, WeightsMeasured
>>> weights = WeightsMeasured(layers={"host.fc": LayerWeights(norm=3.0), "early.fc": LayerWeights(norm=9.0)})
>>> measured_features(weights, ["host.fc"])
{'weight_norm_fc': 3.0, 'update_ratio_fc': None}
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from math import isfinite
from typing import Any

from nissa.events.kinds import GradientsMeasured, Payload
from nissa.operators.assessment import overflown
from nissa.operators.features.catalog import TABLE
from nissa.operators.features.from_epochs import largest
from nissa.operators.features.names import CONFUSED, short

__all__ = ["broken_features", "measured_features"]

Bound = tuple[tuple[str, str], ...]
"""The braces of a path, and what each of them stands for."""
Figures = Sequence[tuple[Bound, Any]]

_BROKEN_ELEMENTS = {"grad_non_finite", "act_non_finite"}
"""Features that count what is broken."""


def measured_features(payload: Payload, layers: Iterable[str]) -> dict[str, float | None]:
    """By name; of single layers, only of those in `layers`. None where no figure was taken."""
    classes, wanted = list(getattr(payload, "classes", ())), {None, *layers}
    known: dict[str, float | None] = {}
    for pattern, path in _paths(payload.kind):
        if "{other}" in path and len(classes) > CONFUSED:
            continue
        found = _figures(payload, path, classes)
        known |= {pattern: _together(path[-1], found)} if "*" in path else _each(pattern, found, wanted)
    return known


def broken_features(payload: Payload, layers: Iterable[str]) -> dict[str, float]:
    """Those of them that are NaN or infinite, and the numbers of broken elements if there are any."""
    # A tenth of the price of its features: gradients may come at every step.
    if isinstance(payload, GradientsMeasured) and not overflown(payload):
        return {}
    known = measured_features(payload, layers).items()
    taken = [(name, value) for name, value in known if value is not None]
    return {name: value for name, value in taken if not isfinite(value) or (name in _BROKEN_ELEMENTS and value)}


@cache
def _paths(kind: str) -> list[tuple[str, tuple[str, ...]]]:
    """The names, or patterns of them, whose source is an event of this kind, and the path of each in it."""
    rows = [(row.name, row.source.split(".")) for row in chain.from_iterable(TABLE.values())]
    return [(name, tuple(path)) for name, (source, *path) in rows if source == kind]


def _figures(payload: Payload, path: Iterable[str], classes: Sequence[str]) -> Figures:
    """What a path leads to, with what each brace on the way stood for. What was not asked for (None) leads nowhere."""
    found: Figures = [((), payload)]
    for step in path:
        rows = [(bound, value) for bound, value in found if value is not None]
        if step[0] in "{*":
            brace = step[1:-1]
            found = [((*bound, (brace, key)), part) for bound, value in rows for key, part in _parts(value, classes)]
        else:
            found = [(bound, getattr(value, step)) for bound, value in rows]
    return found


def _parts(value: Any, classes: Sequence[str]) -> Iterable[tuple[str, Any]]:
    """Rows and columns without names are those of the classes, in their order."""
    return value.items() if isinstance(value, Mapping) else zip(classes, value, strict=False)


def _each(pattern: str, found: Figures, layers: Container[str | None]) -> dict[str, float | None]:
    """Of those that are about one layer, only the ones about `layers`, among which is None."""
    return {_name(pattern, bound): value for bound, value in found if dict(bound).get("layer") in layers}


@lru_cache(maxsize=1 << 14)
def _name(pattern: str, bound: Bound) -> str:
    return pattern.format_map({key: short(str(value)) if key == "layer" else value for key, value in bound})


def _together(figure: str, found: Figures) -> float | None:
    """Several layers as one: the largest share, or the sum of counts; None without any."""
    values = [value for _, value in found if value is not None]
    if figure == "dormant":
        return largest(values)
    return sum(values) if values else None
