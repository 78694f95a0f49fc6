"""What the list of runs says of each, and what a page draws of it."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nissa.cli.runs.report.page.elements import text
from nissa.cli.runs.report.page.sections import article, verdict
from nissa.cli.runs.report.taking import Known
from nissa.events.vocabulary import MARK
from nissa.sinks.printable import printable, shortened

__all__ = ["entry", "no_entry", "pages", "told_apart"]

_NAME = 200
"""Characters of a name."""


def entry(known: Known, key: str, *, live: bool = False) -> dict[str, Any]:
    """The run in the list: its name, how it goes, what there is in it."""
    return {
        "key": key,
        "name": _shown(known.run or known.path.name),
        "path": _shown(str(known.path)),
        "state": _state(known, live),
        "events": known.reading.read,
        "began": known.curves.began if known.ends.began is None else known.ends.began,
    }


def no_entry(path: Path, key: str, error: Exception) -> dict[str, Any]:
    """A run of which nothing can be told: its place in the list, and why."""
    told = {"key": key, "name": _shown(path.name), "path": _shown(str(path)), "events": 0, "began": None}
    return told | {"state": f"cannot be told: {type(error).__name__}", "verdict": "", "alerts": ""}


def told_apart(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Runs of one name have their paths behind it."""
    names = Counter(each["name"] for each in entries)
    return [
        each | ({"name": f"{each['name']} ({each['path']})"} if names[each["name"]] > 1 else {}) for each in entries
    ]


def pages(known: Known) -> dict[str, Any]:
    """Its verdict and alerts in words, its article as HTML, its curves as data, and what was left out."""
    tables = known.tables.snapshot()
    counts = Counter(row["severity"] for row in tables["alerts"] if row["severity"] != MARK)
    return {
        "verdict": printable(verdict(tables)),
        "alerts": ", ".join(f"{count:,} {severity}" for severity, count in counts.items()) or "none",
        "article": text(article(known, tables, _shown(known.run or known.path.name))),
        "curves": known.curves.document(),
        "left_out": {_shown(chart): count for chart, count in known.curves.left_out.items()},
    }


def _state(known: Known, live: bool) -> str:
    if known.ends.ended is not None:
        return known.ends.ended.outcome
    return "goes on" if live else "did not end"


def _shown(name: str) -> str:
    return printable(shortened(name, _NAME))
