"""What is wrong with a dashboard? Rules that people who build dashboards agree on, each in a line of its report."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from tests.grafana.meanings import faults, meaning_of, shown_in, variables

Document = dict[str, Any]


def panels(board: Document) -> list[Document]:
    """Panels without rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def complaints(board: Document) -> list[str]:
    """All faults of a dashboard; none, if it is well."""
    found = [*_frame(board), *_grid(board), *_marks(board)]
    for panel in panels(board):
        said = [*_described(panel), *_queries(panel, board), *_units(panel)]
        found += [f"{panel['title']}: {text}" for text in said]
    return found


def _frame(board: Document) -> Iterator[str]:
    if not re.fullmatch(r"nissa-[a-z-]{1,34}", board["uid"]):
        yield f"uid {board['uid']}"
    if board["editable"] is not False or not board["description"] or "nissa" not in board["tags"]:
        yield "editable, without description or without tag"
    names = [variable["name"] for variable in board["templating"]["list"]]
    if names[0] != "datasource" or len(set(names)) < len(names):
        yield f"variables {names}"
    for n, variable in enumerate(board["templating"]["list"][1:], start=1):
        yield from _variable(variable, set(names[:n]))
    titles = [panel["title"] for panel in panels(board)]
    if len(set(titles)) < len(titles):
        yield "two panels of one title"


def _variable(variable: Document, before: set[str]) -> Iterator[str]:
    """It lists a label that the metric has, and depends on variables before it alone."""
    name, query = variable["name"], variable["query"]["query"]
    if not (variable["multi"] and variable["includeAll"] and variable["allValue"] == ".*" and variable["refresh"] == 2):
        yield f"variable {name} is not multi, with all, refreshed"
    found = re.fullmatch(r"label_values\((\w+(?:\{.*\})?), (\w+)\)", query)
    if found is None or variables(query) - before:
        yield f"variable {name}: {query}"
    elif found[2] != name or name not in (meaning_of(found[1]).labels or ()):
        yield f"variable {name} lists {found[2]}"


def _grid(board: Document) -> Iterator[str]:
    ids = [panel["id"] for panel in board["panels"]]
    if ids != list(range(1, len(ids) + 1)):
        yield f"ids {ids}"
    places = [panel["gridPos"] for panel in board["panels"]]
    yield from (f"beyond the edge: {place}" for place in places if place["x"] < 0 or place["x"] + place["w"] > 24)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not (beside or above):
            yield f"one over the other: {a} {b}"


def _marks(board: Document) -> Iterator[str]:
    for mark in board["annotations"]["list"]:
        yield from (f"mark {mark['name']}: {text}" for text in _asked(mark["expr"], board, mark["textFormat"]))


def _described(panel: Document) -> Iterator[str]:
    if len(panel["description"]) < 10 or not panel["description"].endswith("."):
        yield "no description"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "no unit"
    sources = {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])}
    if sources != {"${datasource}"}:
        yield f"data source {sources}"
    ids = [target["refId"] for target in panel["targets"]]
    if not ids or len(set(ids)) < len(ids):
        yield f"queries {ids}"


def _queries(panel: Document, board: Document) -> Iterator[str]:
    for target in panel["targets"]:
        yield from _asked(target["expr"], board, target.get("legendFormat", ""))


def _asked(expr: str, board: Document, legend: str) -> Iterator[str]:
    defined = {variable["name"] for variable in board["templating"]["list"]}
    yield from (f"no variable {name}" for name in sorted(variables(expr) - defined))
    found = list(faults(expr))
    yield from found
    if not found:
        labels = meaning_of(expr).labels or set()
        used = set(re.findall(r"{{(\w+)}}", legend))
        yield from (f"the legend has {label}, the result has not" for label in sorted(used - labels))
    if re.search(r"\[(?!\$__r)", expr):
        yield "a window of its own"


def _units(panel: Document) -> Iterator[str]:
    defaults = panel["fieldConfig"]["defaults"]["unit"]
    columns = {rule["matcher"]["options"]: rule["properties"] for rule in panel["fieldConfig"]["overrides"]}
    names: dict[str, str] = {}
    for step in panel.get("transformations", []):
        names |= step["options"].get("renameByName", {})
    for target in panel["targets"]:
        if list(faults(target["expr"])):
            continue
        column = columns.get(names.get(f"Value #{target['refId']}"), [])
        unit = next((rule["value"] for rule in column if rule["id"] == "unit"), defaults)
        if unit not in shown_in(meaning_of(target["expr"])):
            yield f"{target['expr']} in {unit}"
