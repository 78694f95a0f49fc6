"""Has each series a colour, are series told apart that differ, and is each rule about a series that there may be?"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

from tests.grafana.values import UNKNOWN, VALUES

__all__ = ["RUNS", "deciding", "look", "misdrawn"]

RUNS = tuple(f"20261121-150{n}" for n in range(8))
_GROUPS = ("ppo", "heuristic", "never", "another")
_SCOPE = ("run", "group", "instance")
_COLORS = {"#4D4D4D", "#6B6B6B", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}
"""Those of Okabe and Ito, with two greys."""
_BESIDE = 8
"""Of values in the alphabet, so many neighbours have colours of their own."""

Rules = tuple[tuple[str, str], ...]
"""Regular expressions, and JSON of the properties that they set."""
Look = Mapping[str, Any]


class Series(NamedTuple):
    """A series that there may be."""

    legend: str
    labels: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """As the legend shows it."""
        found = dict(self.labels)
        return re.sub(r"{{(\w+)}}", lambda label: found[label[1]], self.legend)


def misdrawn(panel: dict[str, Any]) -> Iterator[str]:
    """Faults of rules of colours and strokes; tables and states are coloured otherwise."""
    overrides = panel["fieldConfig"]["overrides"]
    if panel["type"] != "timeseries":
        if panel["type"] != "table" and overrides:
            yield f"colours by name in a {panel['type']}"
        return
    if any(rule["matcher"]["id"] != "byRegexp" for rule in overrides):
        yield "colours by something else than names"
        return
    rules = tuple((rule["matcher"]["options"].strip("/"), json.dumps(rule["properties"])) for rule in overrides)
    stacked = "stacking" in panel["fieldConfig"]["defaults"].get("custom", {})
    yield from _faults(rules, tuple(target["legendFormat"] for target in panel["targets"]), stacked)


@lru_cache(maxsize=2_000)
def _faults(rules: Rules, legends: tuple[str, ...], stacked: bool) -> list[str]:
    series = [row for legend in dict.fromkeys(legends) for row in _series(legend)]
    names = [row.name for row in series]
    idle = [text for rule, _ in rules for text in _single(rule) if not any(re.search(text, name) for name in names)]
    bare = [row.name for row in series if "color" not in look(row.name, rules)]
    if idle or bare:
        return [*(f"no series matches {text}" for text in idle), *(f"no colour for {name}" for name in bare)]
    return [*_alike(series, rules), *([] if stacked else _strokes_alike(legends, rules))]


def look(name: str, rules: Rules) -> Look:
    """What a series of this name has; the last rule that matches counts."""
    found = [row for pattern, properties in rules if re.search(pattern, name) for row in json.loads(properties)]
    return {row["id"]: row["value"] for row in found}


def deciding(legend: str) -> str:
    """The label whose values are told apart by colours: the last that is neither run nor group, else the run."""
    labels = re.findall(r"{{(\w+)}}", legend)
    others = [label for label in labels if label not in _SCOPE]
    return str(others[-1]) if others else next((label for label in _SCOPE if label in labels), "")


def _single(pattern: str) -> Iterator[str]:
    """`(a|b)` as `(a)` and `(b)`."""
    found = re.search(r"\(([\w-]+\|[\w|-]+)\)", pattern)
    if found is None:
        yield pattern
        return
    for word in found[1].split("|"):
        yield from _single(pattern[: found.start()] + f"({word})" + pattern[found.end() :])


def _series(legend: str) -> Iterator[Series]:
    """Series that differ in one label from a first one."""
    values = {label: _values(label) for label in re.findall(r"{{(\w+)}}", legend)}
    first = {label: known[0] for label, known in values.items()}
    for label, known in values.items():
        yield from (Series(legend, tuple((first | {label: value}).items())) for value in known)
    if not values:
        yield Series(legend, ())


def _values(label: str) -> tuple[str, ...]:
    scope = {"run": RUNS, "group": _GROUPS, "instance": tuple(f"10.0.0.1:900{n}" for n in range(8))}
    return scope.get(label) or (*(value for family in VALUES.get(label, ()) for value in family), *UNKNOWN)


def _alike(series: list[Series], rules: Rules) -> Iterator[str]:
    """Series with colours that do not say what they should."""
    for legend in dict.fromkeys(row.legend for row in series):
        label = deciding(legend)
        rows = [row for row in series if row.legend == legend]
        colors = {row: look(row.name, rules)["color"]["fixedColor"] for row in rows}
        value = {row: dict(row.labels).get(label, "") for row in rows}
        yield from (f"{row.name} is {color}" for row, color in colors.items() if color not in _COLORS)
        for row in rows:
            if value[row] == value[rows[0]] and colors[row] != colors[rows[0]]:
                yield f"{row.name} has another colour than {rows[0].name}"
        of = {value[row]: color for row, color in colors.items()}
        for family in (RUNS,) if label == "run" else VALUES.get(label, ()):
            for (n, one), (m, other) in combinations(enumerate(sorted(family)), 2):
                if m - n < _BESIDE and of[one] == of[other]:
                    yield f"{one} and {other} of {label} have one colour"


def _strokes_alike(legends: tuple[str, ...], rules: Rules) -> Iterator[str]:
    """Lines of one colour and stroke: of two groups, or of two words but for the highest and the lowest."""
    rows = [row for legend in dict.fromkeys(legends) for row in _of_groups(legend)]
    for one, other in combinations(rows, 2):
        ends = all(row.legend.startswith(("highest", "lowest")) for row in (one, other)) and one.labels == other.labels
        # That one is thinner is not seen at a glance.
        strokes = [{"custom.lineStyle": {"fill": "solid"}, **look(row.name, rules)} for row in (one, other)]
        if all(strokes[0][key] == strokes[1][key] for key in ("color", "custom.lineStyle")) and not ends:
            yield f"{one.name} looks like {other.name}"


def _of_groups(legend: str) -> list[Series]:
    """Series that differ in their group alone."""
    firsts = {label: _values(label)[0] for label in re.findall(r"{{(\w+)}}", legend)}
    groups = _GROUPS[:3] if "group" in firsts else ("",)
    return [Series(legend, tuple(({**firsts, "group": group} if group else firsts).items())) for group in groups]
