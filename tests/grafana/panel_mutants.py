"""Panels that are wrong in one place: in what they ask, or in how they show it."""

from collections.abc import Iterator
from typing import Any

from nissa.grafana.panels.palette import BAD, FINE
from tests.grafana.board_mutants import Mutant, changed
from tests.grafana.drawing_mutants import of_drawing
from tests.grafana.expr_mutants import exprs, legends

__all__ = ["of_panel"]

Document = dict[str, Any]
_UNITS = ("s", "percentunit", "percent", "short", "none", "bytes", "cps", "suffix:x", "sci", "")
_TOLD = (
    *("whichever are chosen", "since the run began", "since the process began", "at the end of the time range"),
    *("In the time of a point", "as it was last in the time range"),
)
"""What a description must say of what is asked."""
_ELSEWHERE = {"type": "prometheus", "uid": "prom"}


def of_panel(panel: Document) -> Iterator[Mutant]:
    """The panel with one thing wrong."""
    for key, value in (("description", ""), ("datasource", _ELSEWHERE), ("targets", [])):
        yield f"no {key}", {**panel, key: value}
    yield "width of a point", {**panel, "interval": None if "interval" in panel else "1m"}
    # What has no environment says so for the reader alone.
    wide = any('env=~".*"' in target["expr"] for target in panel["targets"])
    for told in _TOLD:
        if told in panel["description"] and (wide or told != "whichever are chosen"):
            yield f"told not: {told}", {**panel, "description": panel["description"].replace(told, "")}
    for n, target in enumerate(panel["targets"]):
        for kind, values in _of_target(panel, target):
            rows = panel["targets"]
            yield kind, {**panel, "targets": [*rows[:n], {**target, **values}, *rows[n + 1 :]]}
    yield from _of_units(panel)
    for where in _limited(panel):
        yield from _of_limits(panel, where)
    yield from _of_names(panel)
    yield from _of_overrides(panel)
    yield from _of_table(panel)
    yield from _of_links(panel)
    yield from of_drawing(panel)


def _of_target(panel: Document, target: Document) -> Iterator[tuple[str, Document]]:
    yield "source of a query", {"datasource": _ELSEWHERE}
    yield "instant or not", {"instant": not target["instant"]}
    if len(panel["targets"]) > 1:
        yield "query's id", {"refId": next(other["refId"] for other in panel["targets"] if other is not target)}
    yield from ((kind, {"expr": text}) for kind, text in exprs(target["expr"]))
    yield from ((kind, {"legendFormat": text}) for kind, text in legends(target.get("legendFormat", "")))


def _of_units(panel: Document) -> Iterator[Mutant]:
    if panel["type"] != "table":
        defaults = panel["fieldConfig"]["defaults"]
        for unit in _UNITS:
            if unit != defaults["unit"]:
                config = {**panel["fieldConfig"], "defaults": {**defaults, "unit": unit}}
                yield f"unit {defaults['unit']} as {unit}", {**panel, "fieldConfig": config}
    for n, rule in enumerate(panel["fieldConfig"]["overrides"]):
        for m, row in enumerate(rule["properties"]):
            for unit in _UNITS if row["id"] == "unit" else ():
                if unit != row["value"]:
                    yield (
                        f"unit {row['value']} as {unit}",
                        _set(panel, ("overrides", n, "properties", m, "value"), unit),
                    )


def _set(panel: Document, path: tuple[Any, ...], value: Any) -> Document:
    """The panel with one value in its field configuration changed."""

    def change(wrong: Document) -> None:
        place = wrong["fieldConfig"]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return changed(panel, change)


def _limited(panel: Document) -> Iterator[tuple[Any, ...]]:
    """Where limits stand."""
    if panel["type"] != "table":
        yield ("defaults", "thresholds", "steps")
    for n, rule in enumerate(panel["fieldConfig"]["overrides"]):
        for m, row in enumerate(rule["properties"]):
            if row["id"] == "thresholds":
                yield ("overrides", n, "properties", m, "value", "steps")


def _of_limits(panel: Document, where: tuple[Any, ...]) -> Iterator[Mutant]:
    steps: Any = panel["fieldConfig"]
    for key in where:
        steps = steps[key]
    for n, step in enumerate(steps[1:], start=1):
        higher = 1 if step["value"] == 0 else step["value"] * 1.25
        yield "limit moved", _set(panel, (*where, n, "value"), higher)
        yield "limit lost", _set(panel, where, [*steps[:n], *steps[n + 1 :]])
    yield "limit more", _set(panel, where, [*steps, {"value": 1e6, "color": BAD}])
    colours = [step["color"] for step in reversed(steps)] if len(steps) > 1 else [BAD]
    turned = [{**step, "color": colour} for step, colour in zip(steps, colours, strict=True)]
    yield "limits inverted", _set(panel, where, turned)


def _of_names(panel: Document) -> Iterator[Mutant]:
    mappings = panel["fieldConfig"]["defaults"].get("mappings")
    if not mappings:
        named = [{"type": "value", "options": {"0": {"text": "none", "color": FINE, "index": 0}}}]
        yield "values named", _set(panel, ("defaults", "mappings"), named)
        return
    yield "names lost", _set(panel, ("defaults", "mappings"), [])
    options = mappings[0]["options"]
    for value, row in options.items():
        other = next(other for other in options.values() if other is not row)
        where = ("defaults", "mappings", 0, "options")
        yield "value's name", _set(panel, (*where, value, "text"), other["text"])
        yield "value's colour", _set(panel, (*where, value, "color"), other["color"])
        yield "value unnamed", _set(panel, where, {key: row for key, row in options.items() if key != value})


def _of_overrides(panel: Document) -> Iterator[Mutant]:
    """Of columns; which lines have which colour is tried by tests of their own."""
    overrides = panel["fieldConfig"]["overrides"] if panel["type"] == "table" else []
    for n, rule in enumerate(overrides):
        wrong = f"{rule['matcher']['options']}~"
        yield "override's names", _set(panel, ("overrides", n, "matcher", "options"), wrong)
    if overrides:
        yield "overrides lost", _set(panel, ("overrides",), [])


def _of_table(panel: Document) -> Iterator[Mutant]:
    for n, step in enumerate(panel.get("transformations", [])):
        rows = panel["transformations"]
        for kind, values in _of_transformation(step):
            yield kind, {**panel, "transformations": [*rows[:n], {**step, **values}, *rows[n + 1 :]]}
        yield "transformation lost", {**panel, "transformations": [*rows[:n], *rows[n + 1 :]]}

    for row in panel["options"].get("sortBy", []):
        for wrong in ([], [{**row, "desc": False}], [{**row, "displayName": "what"}]):
            yield "order of rows", {**panel, "options": {**panel["options"], "sortBy": wrong}}


def _of_transformation(step: Document) -> Iterator[tuple[str, Document]]:
    yield "transformation's name", {"id": f"{step['id']}s"}
    for option in ("renameByName", "indexByName", "excludeByName"):
        names = step["options"].get(option, {})
        for name in names:
            rest = {key: value for key, value in names.items() if key != name}
            yield f"{option} lost", {"options": {**step["options"], option: rest}}
            yield f"{option} of none", {"options": {**step["options"], option: {**rest, f"{name}x": names[name]}}}


def _of_links(panel: Document) -> Iterator[Mutant]:
    for link in panel.get("links", []):
        for old, new in (("/d/nissa-", "/d/nisa-"), ("${__url_time_range}", ""), ("${__all_variables}", "")):
            yield "link", {**panel, "links": [{**link, "url": link["url"].replace(old, new)}]}
