"""Dashboards that are wrong in one place: in what surrounds the panels. Those of panels are in `panel_mutants`."""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

from nissa.grafana.boards.frame import WIDTH
from tests.grafana.expr_mutants import exprs, legends

__all__ = ["Mutant", "around", "changed"]

Document = dict[str, Any]
_OF_LINES = {"legend: label lost", "legend: turned"}
"""What is wrong in the name of a line, and not in the text of a mark."""
Mutant = tuple[str, Document]
"""What was done, and the document to which it was done."""


def changed(document: Document, change: Callable[[Document], object]) -> Document:
    """A copy with one change."""
    wrong = copy.deepcopy(document)
    change(wrong)
    return wrong


def around(board: Document) -> Iterator[Mutant]:
    """A dashboard, without what its panels say, with one thing wrong."""
    keys = ("id", "title", "type", "gridPos")
    slim = {**board, "panels": [{key: panel[key] for key in keys} for panel in board["panels"]]}
    yield from _of_frame(slim)
    for n in range(len(slim["panels"])):
        yield from _of_place(slim, n)
    for n in range(1, len(slim["templating"]["list"])):
        yield from _of_variable(slim, n)
    for n in range(len(slim["annotations"]["list"])):
        yield from _of_mark(slim, n)


def _of_frame(board: Document) -> Iterator[Mutant]:
    wrong: Document = {"uid": "Nissa Board", "editable": True, "description": "", "tags": [], "links": []}
    for key, value in wrong.items():
        yield f"dashboard's {key}", {**board, key: value}
    for key, value in (("type", "link"), ("tags", ["other"]), ("includeVars", False), ("keepTime", False)):
        yield f"link's {key}", {**board, "links": [{**board["links"][0], key: value}]}
    yield "variable lost", changed(board, lambda wrong: wrong["templating"]["list"].pop(0))


def _of_place(board: Document, n: int) -> Iterator[Mutant]:
    def panel(**values: Any) -> Document:
        return {**board, "panels": [*board["panels"][:n], {**board["panels"][n], **values}, *board["panels"][n + 1 :]]}

    place = board["panels"][n]["gridPos"]
    yield "id of another", panel(id=board["panels"][n - 1]["id"])
    yield "id beyond", panel(id=1000)
    for key, by in (("x", 1), ("x", -1), ("y", 1), ("y", -1), ("w", 1), ("w", -1), ("h", 1), ("h", -1)):
        if key == "h" and place["w"] == WIDTH and n == len(board["panels"]) - 1:
            # What stands alone at the bottom may be of any height.
            continue
        yield f"grid {key}{by:+}", panel(gridPos={**place, key: place[key] + by})
    if board["panels"][n]["type"] != "row":
        others = [other["title"] for other in board["panels"] if other["type"] != "row"]
        yield "title of another", panel(title=next(title for title in others if title != board["panels"][n]["title"]))


def _of_variable(board: Document, n: int) -> Iterator[Mutant]:
    variable = board["templating"]["list"][n]
    wrong: list[tuple[str, Document]] = [
        ("single", {"multi": False}),
        ("no all", {"includeAll": False}),
        ("all of some", {"allValue": ".+"}),
        ("never new", {"refresh": 1}),
        ("source", {"datasource": {"type": "prometheus", "uid": "prom"}}),
        ("name", {"name": "what"}),
        ("regex", {"regex": "/(.+)/"}),
        ("definition", {"definition": "label_values(up, job)"}),
    ]
    query = variable["query"]["query"]
    asked = [("label listed", re.sub(r"\w+(?=\)$)|instance", "layer", query)), *exprs(query)]
    wrong += [(kind, {"query": {**variable["query"], "query": text}, "definition": text}) for kind, text in asked]
    for kind, values in wrong:
        rows = board["templating"]["list"]
        yield (
            f"variable: {kind}",
            {**board, "templating": {"list": [*rows[:n], {**variable, **values}, *rows[n + 1 :]]}},
        )


def _of_mark(board: Document, n: int) -> Iterator[Mutant]:
    mark = board["annotations"]["list"][n]
    wrong: list[tuple[str, Document]] = [
        ("source", {"datasource": {"type": "prometheus", "uid": "prom"}}),
        ("title", {"titleFormat": "other"}),
        ("time", {"useValueForTime": not mark.get("useValueForTime", False)}),
        ("always", {"expr": mark["expr"].removesuffix(" > 0").removeprefix("1000 * ")}),
        *((kind, {"expr": text}) for kind, text in exprs(mark["expr"])),
        *((kind, {"textFormat": text}) for kind, text in legends(mark["textFormat"]) if kind not in _OF_LINES),
    ]
    for kind, values in wrong:
        rows = board["annotations"]["list"]
        yield f"mark: {kind}", {**board, "annotations": {"list": [*rows[:n], {**mark, **values}, *rows[n + 1 :]]}}
