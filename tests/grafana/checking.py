"""What is wrong with a dashboard? Rules that people who build dashboards agree on, each in a line of its report."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from tests.grafana.asking import asked, queries
from tests.grafana.gone import gone, plainly
from tests.grafana.looks import looks
from tests.grafana.meanings import faults
from tests.grafana.promql import variables
from tests.grafana.series import CHOSEN

__all__ = ["Document", "complaints", "panels", "wrong_around", "wrong_with"]

Document = dict[str, Any]
_SIBLINGS = {"type": "dashboards", "tags": ["nissa"], "includeVars": True, "keepTime": True}
"""The link to the other dashboards, for the same time and variables."""
_OF_RUNS = {"nissa_run_info", "nissa_run_last_event_timestamp_seconds"}
_FROM_THE_START = {
    "run": _OF_RUNS,
    **{
        name: {f"nissa_{what}_total" for what in ("episodes_started", "epochs", "batches")} for name in ("group", "env")
    },
    "blueprint": {f"nissa_seeds_{what}_total" for what in ("germinated", "fossilized", "culled")},
}
"""Metrics, one of which has a label as soon as anything has it."""


def panels(board: Document) -> list[Document]:
    """Panels without rows."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def complaints(board: Document) -> list[str]:
    """All faults of a dashboard; none, if it is well."""
    found = wrong_around(board)
    for panel in panels(board):
        found += [f"{panel['title']}: {text}" for text in wrong_with(panel, board)]
    return found


def wrong_around(board: Document) -> list[str]:
    """All faults of a dashboard but for those in single panels."""
    return [*_frame(board), *_grid(board)]


def wrong_with(panel: Document, board: Document) -> list[str]:
    """All faults of a panel."""
    bare = plainly(panel)
    found = [*gone(panel), *_described(bare), *queries(bare, _names(board))]
    # How it looks can be judged only if it is sound what it shows.
    return found or [*looks(bare)]


def _names(board: Document) -> list[str]:
    return [variable["name"] for variable in board["templating"]["list"]]


def _frame(board: Document) -> Iterator[str]:
    if not re.fullmatch(r"nissa-[a-z-]{1,34}", board["uid"]):
        yield f"uid {board['uid']}"
    if board["editable"] is not False or not board["description"] or "nissa" not in board["tags"]:
        yield "editable, without description or without tag"
    leads = [{key: link[key] for key in _SIBLINGS} for link in board["links"]]
    if leads != [_SIBLINGS]:
        yield f"links {leads}"
    names = _names(board)
    if names[0] != "datasource" or len(set(names)) < len(names):
        yield f"variables {names}"
    for n, variable in enumerate(board["templating"]["list"][1:], start=1):
        yield from _variable(variable, set(names[:n]))
    for mark in board["annotations"]["list"]:
        yield from (f"mark {mark['name']}: {text}" for text in _mark(mark, names))
    titles = [panel["title"] for panel in panels(board)]
    if len(set(titles)) < len(titles):
        yield "two panels of one title"


def _variable(variable: Document, before: set[str]) -> Iterator[str]:
    """It lists a label of its metric, and is limited by all variables before it of which the metric has the label."""
    name, query = variable["name"], variable["query"]["query"]
    # All processes are those listed, because what they tell of themselves has no run.
    anything = None if name == "instance" else ".*"
    if not (variable["multi"] and variable["includeAll"] and variable["refresh"] == 2):
        yield f"variable {name} is not multi, with all, refreshed"
    if variable.get("allValue") != anything:
        yield f"all of {name} is {variable.get('allValue')}"
    if variable["datasource"]["uid"] != "${datasource}" or variable["definition"] != query:
        yield f"variable {name} of {variable['datasource']}, defined as {variable['definition']}"
    if name == "instance":
        yield from _processes(variable)
        return
    if variable["regex"]:
        yield f"of {name} only {variable['regex']}"
    found = re.fullmatch(r'label_values\(\{__name__=~"([\w|]+)"(?:, (.*))?\}, (\w+)\)', query)
    if found is None or variables(query) - before:
        yield f"variable {name}: {query}"
        return
    later = {label for label in CHOSEN if label not in before or label == name}
    for metric in found[1].split("|"):
        told = faults(f"{metric}{{{found[2] or ''}}}")
        chosen = [text for text in told if not text.endswith(tuple(f"variable {label}" for label in later))]
        yield from (f"variable {name}: {text}" for text in chosen)
    if found[3] != name or {*found[1].split("|")} != _FROM_THE_START.get(name):
        yield f"variable {name} lists {found[3]} of {found[1]}"


def _processes(variable: Document) -> Iterator[str]:
    """All that tell of the runs chosen, and all that tell of none."""
    names, those = r'__name__=~"([\w|]+)"', r"count by \(instance\) \(last_over_time\({}\[\$__range\]\)\)"
    chosen, any_run = (those.format(rf"\{{{names}{more}\}}") for more in (r', run=~"\$run"', ""))
    wanted = rf"query_result\({chosen} or \({those.format('nissa_scrapes_total')} unless {any_run}\)\)"
    found = re.fullmatch(wanted, variable["query"]["query"])
    if found is None or any({*listed.split("|")} != _OF_RUNS for listed in found.groups()):
        yield f"processes by {variable['query']['query']}"
    if variable["regex"] != '/instance="([^"]+)"/':
        yield f"processes of a result by {variable['regex']}"


def _mark(mark: Document, names: list[str]) -> Iterator[str]:
    """It stands where something was counted, or at the time, in milliseconds, that the value is."""
    if mark["datasource"]["uid"] != "${datasource}" or mark["titleFormat"] != mark["name"]:
        yield f"of {mark['datasource']}, titled {mark['titleFormat']}"
    yield from asked(mark["expr"], mark["textFormat"], names)
    form = (
        r"1000 \* \w+_timestamp_seconds\{.*\}"
        if mark.get("useValueForTime")
        else r"max by \(.*\) \(increase\(.*\)\) > 0"
    )
    if not re.fullmatch(form, mark["expr"]):
        yield f"no time and no count: {mark['expr']}"


def _grid(board: Document) -> Iterator[str]:
    ids = [panel["id"] for panel in board["panels"]]
    if ids != list(range(1, len(ids) + 1)):
        yield f"ids {ids}"
    places = [panel["gridPos"] for panel in board["panels"]]
    yield from (
        f"beyond the edge: {place}"
        for place in places
        if min(place["x"], place["y"]) < 0 or place["x"] + place["w"] > 24
    )
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not (beside or above):
            yield f"one over the other: {a} {b}"
    covered = sum(place["w"] * place["h"] for place in places)
    if covered != 24 * max(place["y"] + place["h"] for place in places):
        yield "there is a hole"


def _described(panel: Document) -> Iterator[str]:
    if len(panel["description"]) < 10 or not panel["description"].endswith("."):
        yield "no description"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "no unit"
    sources = {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])}
    if sources != {"${datasource}"}:
        yield f"data source {sources}"
    # Beside points of a minute, windows are wider by a scrape; of less, they would count the same several times.
    counts = any("increase(" in target["expr"] and "[1h]" not in target["expr"] for target in panel["targets"])
    if panel.get("interval") != ("1m" if counts or "histogram_quantile(" in str(panel["targets"]) else None):
        yield f"a point is {panel.get('interval')}"
    ids = [target["refId"] for target in panel["targets"]]
    if not ids or len(set(ids)) < len(ids):
        yield f"queries {ids}"
