"""What is wrong with how a panel is drawn: its lines and columns, its axis, its legend, its bars, a table's room?"""

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["SCREEN", "misplaced", "pixels"]

Document = dict[str, Any]
SCREEN = 1600
"""Pixels of a dashboard's width, from which all columns of its tables must be seen."""
_LETTER, _MARGIN, _BUTTON = 6.5, 14, 22
"""Pixels of a letter in a column, beside all of them, and of the button for a filter."""
_VALUES = {"run": "20261121-150426-973", "blueprint": "conv_enhance", "git_commit": "0123abcd"}
"""Values that are longer than their label, or shortened."""


def pixels(panel: Document) -> float:
    """Width inside a panel."""
    return float(panel["gridPos"]["w"] * (SCREEN - 8) / 24 - 8 - 16)


def misplaced(panel: Document) -> Iterator[str]:
    """Faults of a panel that would be seen in a picture of it, whatever it shows."""
    checks = {"timeseries": (_strokes, _axis, _legend), "bargauge": (_bars,), "table": (_room,)}
    for check in checks.get(panel["type"], ()):
        yield from check(panel)


def _strokes(panel: Document) -> Iterator[str]:
    """What adds up is drawn as columns: a line of 0 would lie over all below it."""
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    columns = custom.get("stacking", {}).get("mode") == "normal"
    lines = [
        row["value"]
        for rule in panel["fieldConfig"]["overrides"]
        for row in rule["properties"]
        if row["id"] == "custom.lineWidth"
    ]
    widths = [custom.get("lineWidth", 1), *lines]
    if columns and (custom.get("drawStyle") != "bars" or custom.get("fillOpacity", 0) < 80 or max(widths) > 0):
        yield f"columns drawn as {custom}"
    if not columns and (custom.get("drawStyle", "line") != "line" or min(widths) < 1 or custom.get("fillOpacity", 0)):
        yield f"lines drawn as {custom}"


def _axis(panel: Document) -> Iterator[str]:
    """If all is 0, an axis ends at what is little in its unit."""
    defaults = panel["fieldConfig"]["defaults"]
    unit, custom = defaults.get("unit"), defaults.get("custom", {})
    little = {"percentunit": 0.01, "short": 1, "cps": 0.1, "s": 0.001, "sci": 1e-6}.get(unit)
    if custom.get("axisSoftMax") != little:
        yield f"an axis in {unit} up to {custom.get('axisSoftMax')}"
    if custom.get("axisSoftMin") != (0 if unit in {"cps", "bytes", "s"} else None):
        yield f"an axis in {unit} from {custom.get('axisSoftMin')}"
    if (defaults.get("decimals") == 2) != (unit == "sci"):
        yield f"{unit} with {defaults.get('decimals')} decimals"


def _legend(panel: Document) -> Iterator[str]:
    """Below the graph, unless a label with many values meets a wide panel; beside it, it leaves it half of the room."""
    legend = panel["options"]["legend"]
    labels = {label for target in panel["targets"] for label in re.findall(r"{{(\w+)}}", target["legendFormat"])}
    many = labels - {"run", "group", "env", "instance"}
    beside = many and panel["gridPos"]["w"] >= 12
    if (legend["placement"], legend["displayMode"]) != (("right", "table") if beside else ("bottom", "list")):
        yield f"a legend as a {legend['displayMode']} at the {legend['placement']}"
    least = 320 if "run" in labels else 200
    if beside and not least <= legend.get("width", 0) <= pixels(panel) / 2:
        yield f"a legend of width {legend.get('width')}"
    if legend["calcs"] != ["lastNotNull"] or legend["showLegend"] is not True:
        yield f"a legend with {legend['calcs']}"


def _bars(panel: Document) -> Iterator[str]:
    """Heights are heeded only where they are manual; a bar of a share is as long as the share is."""
    options, defaults = panel["options"], panel["fieldConfig"]["defaults"]
    ends = (defaults.get("min"), defaults.get("max"))
    if ends != (0, 1 if defaults["unit"] == "percentunit" else None):
        yield f"bars in {defaults['unit']} from {ends[0]} to {ends[1]}"
    if (options["sizing"], options["namePlacement"]) != ("manual", "left"):
        yield f"bars of size {options['sizing']}, with names {options['namePlacement']}"
    if not 12 <= options["minVizHeight"] <= options["maxVizHeight"] <= 32:
        yield f"bars from {options['minVizHeight']} to {options['maxVizHeight']} pixels"


def _room(panel: Document) -> Iterator[str]:
    """All columns are seen, with the whole of their heads."""
    overrides = {
        rule["matcher"]["options"]: {row["id"]: row["value"] for row in rule["properties"]}
        for rule in panel["fieldConfig"]["overrides"]
    }
    fixed = {name: rows["custom.width"] for name, rows in overrides.items() if "custom.width" in rows}
    options = panel["transformations"][-1]["options"]
    heads = [options["renameByName"].get(name, name) for name in options["indexByName"]]
    free = [head for head in heads if head not in fixed]
    share = (pixels(panel) - sum(fixed.values())) / max(len(free), 1)
    least = panel["fieldConfig"]["defaults"].get("custom", {}).get("minWidth", 150)
    if share < least:
        yield f"{len(free)} columns of {least} pixels in the room of {share:.0f} each"
    for head in heads:
        needed = _MARGIN + max(_of_head(head, overrides.get(head, {})), _LETTER * len(_VALUES.get(head, "")))
        if needed > fixed.get(head, share):
            yield f"column {head} is cut off"
    if _filtered(overrides) != {*options["indexByName"]} - {*options["renameByName"]}:
        yield f"filters of {_filtered(overrides)}"


def _of_head(head: str, properties: Document) -> float:
    """Pixels of its longest line: it is wrapped, if at all, at blanks."""
    lines = head.split(" ") if properties.get("custom.wrapHeaderText") else [head]
    return _LETTER * max(map(len, lines)) + (_BUTTON if properties.get("custom.filterable") else 0)


def _filtered(overrides: Document) -> set[str]:
    """Columns with a button in their heads."""
    return {name for name, rows in overrides.items() if rows.get("custom.filterable")}
