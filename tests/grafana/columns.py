"""What is wrong with the columns of a table: are they joined, named and shown as what they are?"""

from collections.abc import Iterator
from typing import Any

from tests.grafana.gone import ONCE
from tests.grafana.meanings import meaning_of

__all__ = ["columns", "head_of", "properties"]

Document = dict[str, Any]


def head_of(panel: Document, target: Document) -> str:
    """The head of a query's column."""
    names: dict[str, str] = {}
    for step in panel.get("transformations", []):
        names |= step["options"].get("renameByName", {})
    return names.get(f"Value #{target['refId']}" if len(panel["targets"]) > 1 else "Value", "")


def properties(panel: Document, target: Document) -> dict[str, Any]:
    """What a panel sets for the values of a query: its defaults, and in a table what its column has instead."""
    found = dict(panel["fieldConfig"]["defaults"])
    for rule in panel["fieldConfig"]["overrides"]:
        if panel["type"] == "table" and rule["matcher"] == {"id": "byName", "options": head_of(panel, target)}:
            found |= {row["id"]: row["value"] for row in rule["properties"]}
    return found


def columns(panel: Document) -> Iterator[str]:
    """Faults of a table; of other panels, that they are none."""
    if panel["type"] != "table":
        if panel.get("transformations") or any(target.get("format") == "table" for target in panel["targets"]):
            yield "a table that is none"
        if {bool(target["instant"]) for target in panel["targets"]} != {panel["type"] in ONCE}:
            yield "asks for the wrong time"
        return
    if [step["id"] for step in panel["transformations"]] != ["merge", "organize"]:
        yield f"transformations {panel['transformations']}"
    if any(not target["instant"] or target["format"] != "table" for target in panel["targets"]):
        yield "a column of a time that is over"
    yield from _heads(panel)


def _heads(panel: Document) -> Iterator[str]:
    """A query that stands alone has no letter; without a head, it says that its rows are there, and is not shown."""
    alone = len(panel["targets"]) == 1
    heads = [head_of(panel, target) for target in panel["targets"]]
    heads = [] if alone and not heads[0] else heads
    rows = {frozenset(meaning_of(target["expr"]).labels or ()) for target in panel["targets"]}
    labels = next(iter(rows))
    overridden = [rule["matcher"]["options"] for rule in panel["fieldConfig"]["overrides"]]
    shown, others = overridden[: len(labels)], overridden[len(labels) :]
    if "" in heads or len(set(heads)) < len(heads) or others != heads or {*shown} != labels:
        yield f"columns {heads} of {sorted(labels)}, shown as {overridden}"
    options = panel["transformations"][-1]["options"]
    hidden = {"Time": True} if heads else {"Time": True, "Value": True}
    if options.get("excludeByName") != hidden or len(rows) > 1:
        yield f"rows by {rows} without {options.get('excludeByName')}"
    if [(row["displayName"] in {*heads, *labels}, row["desc"]) for row in panel["options"]["sortBy"]] != [(True, True)]:
        yield f"sorted by {panel['options']['sortBy']}"
    values = {"Value" if alone else f"Value #{target['refId']}" for target in panel["targets"]} if heads else set()
    if options.get("indexByName", {}).keys() != {*labels, *values}:
        yield f"order {options.get('indexByName')}"
