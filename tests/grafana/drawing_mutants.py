"""Panels that are drawn wrong in one place: their lines, axis, legend, bars or columns."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.grafana.board_mutants import Mutant, changed

__all__ = ["of_drawing"]

Document = dict[str, Any]

_CUSTOM = {
    "drawStyle": ("line", "bars", "points"),
    "lineWidth": (0, 2),
    "fillOpacity": (0, 60),
    "stacking": ({"mode": "none"}, {"mode": "normal", "group": "A"}),
    "axisSoftMin": (0, None),
    "axisSoftMax": (None, 100),
}
_DEFAULTS = {"drawStyle": "line", "fillOpacity": 0, "stacking": {"mode": "none"}}
"""What Grafana takes where nothing is said."""
_LEGEND = {"placement": ("right", "bottom"), "displayMode": ("table", "list"), "calcs": ([], ["mean"])}
_BARS = {
    "sizing": ("auto",),
    "namePlacement": ("auto", "top"),
    "minVizHeight": (8,),
    "maxVizHeight": (300,),
}


def of_drawing(panel: Document) -> Iterator[Mutant]:
    """The panel with one setting of how it is drawn at another value."""
    if panel["type"] == "timeseries":
        yield from _settings(panel, ("fieldConfig", "defaults", "custom"), _CUSTOM)
        yield from _settings(panel, ("fieldConfig", "defaults"), {"decimals": (None, 2)})
        yield from _settings(panel, ("options", "legend"), _LEGEND | {"showLegend": (False,)})
        if panel["options"]["legend"]["placement"] == "right":
            yield from _settings(panel, ("options", "legend"), {"width": (0, 900)})
    elif panel["type"] == "bargauge":
        yield from _settings(panel, ("options",), _BARS)
        yield from _settings(panel, ("fieldConfig", "defaults"), {"min": (None, 1), "max": (None, 1, 100)})
    elif panel["type"] == "table":
        yield from _settings(panel, ("fieldConfig", "defaults", "custom"), {"minWidth": (1000,)})
    for n, rule in enumerate(panel["fieldConfig"]["overrides"] if panel["type"] == "table" else ()):
        for m, row in enumerate(rule["properties"]):
            where = ("fieldConfig", "overrides", n, "properties", m)
            wrong = {"custom.width": 30, "custom.filterable": False, "color": {"mode": "fixed", "fixedColor": "red"}}
            if row["id"] in wrong:
                yield from _settings(panel, where, {"value": (wrong[row["id"]],)})


def _settings(panel: Document, where: tuple[Any, ...], others: Document) -> Iterator[Mutant]:
    for key, values in others.items():
        for value in values:
            wrong = changed(panel, partial(_set, where=where, key=key, value=value))
            if _of(wrong, where).get(key, _DEFAULTS.get(key)) != _of(panel, where).get(key, _DEFAULTS.get(key)):
                yield f"drawn: {key} {value}", wrong


def _set(document: Document, where: tuple[Any, ...], key: str, value: Any) -> None:
    place = _of(document, where)
    if value is None:
        place.pop(key, None)
    else:
        place[key] = value


def _of(document: Document, where: tuple[Any, ...]) -> Any:
    place: Any = document
    for step in where:
        place = place[step]
    return place
