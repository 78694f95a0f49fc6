"""What is wrong with what a panel asks, with the unit in which it shows that, and with the names that it gives it?"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from nissa.sinks.prometheus.catalog import METRICS
from tests.grafana.columns import head_of, properties
from tests.grafana.meanings import PLAIN, Meaning, faults, meaning_of, metrics_in, shown_in
from tests.grafana.promql import parsed, variables
from tests.grafana.quantities import quantity
from tests.grafana.series import CHOSEN, known

__all__ = ["asked", "queries"]

Document = dict[str, Any]
_TOTAL, _GROWTH = (
    re.compile(r"\bsince the (run|process) began\b", re.IGNORECASE),
    re.compile(r"\bin the (time of a point|hour before)\b", re.IGNORECASE),
)


def queries(panel: Document, names: Sequence[str]) -> Iterator[str]:
    """Faults of a panel's queries; `names` are those of the dashboard's variables."""
    for target in panel["targets"]:
        expr, legend = target["expr"], target.get("legendFormat", "")
        yield from asked(expr, legend, names)
        for end in ("{{run}}", "{{group}} {{run}}"):
            if end.split(" ", maxsplit=1)[0] in legend and not legend.endswith(end):
                yield f"the legend {legend}, of which the end, that is alike in all runs, is cut off first"
        if faults(expr):
            continue
        yield from _scoped(expr, panel)
        found, unit = meaning_of(expr), _unit(panel, target)
        if unit not in shown_in(found):
            yield f"{expr} in {unit}"
        yield from _counted(found, panel)
        yield from _named(found, panel)
        yield from _titled(panel, target)
        yield from _formula(expr, panel["description"])
        if panel["type"] != "table":
            yield from _told_apart(found, legend)
    legends = [target.get("legendFormat") for target in panel["targets"]]
    if panel["type"] != "table" and len(set(legends)) < len(legends):
        yield f"two queries of one name: {legends}"


def asked(expr: str, legend: str, names: Sequence[str]) -> Iterator[str]:
    """Faults of an expression, and labels in its names that it has not."""
    yield from (f"no variable {name}" for name in sorted(variables(expr) - set(names)))
    found = faults(expr)
    yield from found
    if not found:
        used = set(re.findall(r"{{(\w+)}}", legend))
        yield from (f"the legend has {label}, the result has not" for label in sorted(used - _labels(expr)))
    if re.search(r"\[(?!\$__r|1h\])", expr):
        yield "a window of its own"


def _scoped(expr: str, panel: Document) -> Iterator[str]:
    """What is over other times or environments than the reader chose says so; the rest keeps runs and groups apart."""
    text = panel["description"]
    for asks, says in (("[1h]", "hour"), ('=~".*"', "whichever are chosen")):
        if asks in expr and says not in text:
            yield f"{asks} in {expr}, described as: {text}"
    if "whichever are chosen" in text and "$env" in expr:
        yield f"limited to environments: {expr}, described as: {text}"
    if panel["type"] == "stat" or "over all runs" in text:
        return
    there = [metric.labels for name in metrics_in(expr) if (metric := known(name))]
    wanted = [label for label, of in (("run", any), ("group", all)) if of(label in labels for labels in there)]
    if lost := {*wanted} - _labels(expr):
        yield f"adds up over {sorted(lost)}, described as: {text}"


def _unit(panel: Document, target: Document) -> str:
    """The unit in which a query is shown, in a table that of its column."""
    return str(properties(panel, target).get("unit"))


def _labels(expr: str) -> set[str]:
    return meaning_of(expr).labels or set()


def _counted(found: Meaning, panel: Document) -> Iterator[str]:
    """A counter as it stands is since when; its growth is in what time. Rates say so by their unit."""
    for way, says in (("total", _TOTAL), ("increase", _GROWTH)):
        said = bool(says.search(panel["description"]))
        # A table has columns of other things, too.
        if (way in found.reads) != said and not (said and panel["type"] == "table") and "rate" not in found.reads:
            yield f"{way} of a counter, described as: {panel['description']}"


def _named(found: Meaning, panel: Document) -> Iterator[str]:
    """What is counted is named."""
    unit, heads = str(found.unit), [head_of(panel, target) for target in panel["targets"]]
    if (
        shown_in(found) & {"short", "cps"}
        and unit not in PLAIN
        and unit.rstrip("s") not in f"{panel['title']} {panel['description']} {heads}".lower()
    ):
        yield f"{unit}, described as: {panel['description']}"


def _titled(panel: Document, target: Document) -> Iterator[str]:
    """A word of the title that stands in names of what is counted likewise means one of these."""
    title = head_of(panel, target) if panel["type"] == "table" else panel["title"]
    expressions = [target["expr"]] if panel["type"] == "table" else [row["expr"] for row in panel["targets"]]
    if any(faults(expr) for expr in expressions):
        return
    asked_for = set[str]().union(*map(metrics_in, expressions))
    units = (
        {METRICS[name].unit for name in asked_for & METRICS.keys()} - PLAIN - {"ratio", "factor", "seconds", "bytes"}
    )
    for word in set(re.findall(r"[a-z]+", title.lower())) - units:
        meant = {name for unit in units for name in _meant(word, unit)}
        if meant and not meant & asked_for:
            yield f"{title} of {sorted(asked_for)}, not of {sorted(meant)}"


@cache
def _meant(word: str, unit: str) -> list[str]:
    return [name for name, metric in METRICS.items() if word in name.split("_") and metric.unit == unit]


def _formula(expr: str, description: str) -> Iterator[str]:
    """A description that begins with a difference is of that difference."""
    if formula := re.match(r"\w+( - \w+)+(?=:)", description):
        words, metrics = formula[0].split(" - "), quantity(parsed(expr)).name.split(" - ")
        if len(words) != len(metrics) or not all(
            b.startswith(f"nissa_pipeline_{a}_") for a, b in zip(words, metrics, strict=True)
        ):
            yield f"{metrics}, described as {words}"


def _told_apart(found: Meaning, legend: str) -> Iterator[str]:
    """Series of one query have different names."""
    labels = found.labels or set()
    # A run is shown once, whoever tells of it; what is of none is told apart by the process.
    labels = labels if labels & set(CHOSEN) else labels - {"job"}
    if apart := labels - set(re.findall(r"{{(\w+)}}", legend)):
        yield f"the legend does not tell apart by {sorted(apart)}"
