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

Figures = Sequence[tuple[tuple[str, ...], Any]]
"""What a path leads to, by what its braces stand for."""

_BROKEN_ELEMENTS = {"grad_non_finite", "act_non_finite"}
"""Features that count what is broken."""


def measured_features(payload: Payload, layers: Iterable[str]) -> dict[str, float | None]:
    """By name; of single layers, only of those in `layers`. None where no figure was taken."""
    classes, wanted = list(getattr(payload, "classes", ())), {*layers}
    known: dict[str, float | None] = {}
    for pattern, path, braces in _paths(payload.kind):
        if "other" in braces and len(classes) > CONFUSED:
            continue
        found = _figures(payload, path, classes, wanted)
        if "*" in path:
            known[pattern] = _together(path[-1], found)
        else:
            known |= {_name(pattern, braces, keys): value for keys, value in found}
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
def _paths(kind: str) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The names, or patterns of them, whose source is an event of this kind, and the path of each and its braces."""
    rows = [(row.name, row.source.split(".")) for row in chain.from_iterable(TABLE.values())]
    own = [(name, path) for name, (source, *path) in rows if source == kind]
    return [(name, tuple(path), tuple(step[1:-1] for step in path if step[0] == "{")) for name, path in own]


def _figures(payload: Payload, path: Iterable[str], classes: Sequence[str], layers: Container[str]) -> Figures:
    """What a path leads to. What was not asked for (None) leads nowhere, nor does a layer that is not meant."""
    found: Figures = [((), payload)]
    for step in path:
        rows = [row for row in found if row[1] is not None]
        if step[0] in "{*":
            parts = [((*keys, key), part) for keys, value in rows for key, part in _parts(value, classes)]
            found = [row for row in parts if row[0][-1] in layers] if step == "{layer}" else parts
        else:
            found = [(keys, getattr(value, step)) for keys, value in rows]
    return found


def _parts(value: Any, classes: Sequence[str]) -> Iterable[tuple[str, Any]]:
    """Rows and columns without names are those of the classes, in their order."""
    return value.items() if isinstance(value, Mapping) else zip(classes, value, strict=False)


@lru_cache(maxsize=1 << 14)
def _name(pattern: str, braces: tuple[str, ...], keys: tuple[str, ...]) -> str:
    bound = zip(braces, keys, strict=True)
    return pattern.format_map({brace: short(str(key)) if brace == "layer" else key for brace, key in bound})


def _together(figure: str, found: Figures) -> float | None:
    """Several layers as one: the largest share, or the sum of counts; None without any."""
    values = [value for _, value in found if value is not None]
    if figure == "dormant":
        return largest(values)
    return sum(values) if values else None
