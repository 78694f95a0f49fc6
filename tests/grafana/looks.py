"""What is wrong with the looks of a panel: its limits, the names of its values, its columns, its links?"""

import re
from collections.abc import Iterator
from typing import Any

from nissa.grafana.panels.palette import FINE
from tests.grafana.columns import columns, properties
from tests.grafana.drawing import misplaced
from tests.grafana.limits import NAMED, steps_of
from tests.grafana.promql import parsed
from tests.grafana.quantities import quantity
from tests.grafana.rules import BOARDS

__all__ = ["looks", "steps"]

Document = dict[str, Any]
CLEAR = "transparent"
_BY_LIMITS = ({"mode": "thresholds"}, {"type": "color-text"})
"""Colour and cell of a column with limits."""


def looks(panel: Document) -> Iterator[str]:
    """Faults in how a panel shows what it asked for, where that is an expression."""
    # Whether columns find room can be judged only if they are well.
    yield from [*columns(panel)] or misplaced(panel)
    for target in panel["targets"]:
        yield from _limits(panel, target)
    for link in panel.get("links", []):
        found = re.fullmatch(r"/d/([a-z-]+)\?\$\{__url_time_range\}&\$\{__all_variables\}", link["url"])
        if not found or found[1] not in BOARDS:
            yield f"a link to {link['url']}"


def steps(panel: Document, target: Document) -> list[tuple[float | None, str]]:
    """From which value on a query's values have which colour; what is drawn as no line is fine."""
    return [(at, FINE if color == CLEAR else color) for at, color in _drawn(panel, target)]


def _drawn(panel: Document, target: Document) -> list[tuple[float | None, str]]:
    found = properties(panel, target).get("thresholds", {}).get("steps", [])
    return [(step["value"], step["color"]) for step in found]


def _limits(panel: Document, target: Document) -> Iterator[str]:
    name = quantity(parsed(target["expr"])).name
    wanted, found = steps_of(target["expr"]), _drawn(panel, target)
    states = NAMED.get((panel["type"], name), {})
    if _named(panel, target) != states:
        yield f"values of {name} are named {_named(panel, target)}"
    # What has names has their colours; a column without limits says nothing of colours.
    wanted = [(None, FINE)] if states else wanted
    if panel["type"] == "timeseries" and len(wanted) > 1 and wanted[-1][1] == FINE:
        # Then Grafana gives each line the colour of what is below it.
        wanted = [*wanted[:-1], (wanted[-1][0], CLEAR)]
    if found != wanted and not (panel["type"] == "table" and not found and len(wanted) == 1):
        yield f"limits {found} of {name}, not {wanted}"
    shown = properties(panel, target)
    if panel["type"] == "table" and found and (shown.get("color"), shown.get("custom.cellOptions")) != _BY_LIMITS:
        yield f"limits of {name} give {shown.get('color')}"
    if panel["type"] == "timeseries" and (len(wanted) > 1) != (_line(panel) == "dashed"):
        yield f"limits are drawn: {_line(panel)}"


def _named(panel: Document, target: Document) -> dict[str, tuple[str, str]]:
    """Names and colours of single values."""
    mappings = properties(panel, target).get("mappings", [])
    options: Document = mappings[0]["options"] if mappings else {}
    return {value: (row["text"], row["color"]) for value, row in options.items()}


def _line(panel: Document) -> str:
    return str(panel["fieldConfig"]["defaults"].get("custom", {}).get("thresholdsStyle", {}).get("mode", "off"))
