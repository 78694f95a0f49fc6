"""What does a PromQL expression mean: the labels and the unit of its result, and what is wrong with it?

A type checker of its own: it knows the table of metrics and PromQL's rules, and nothing of the code that writes panels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tests.grafana.promql import filled, operator, parsed, selected
from tests.grafana.quantities import quantity
from tests.grafana.series import SCRAPED, known, misread

__all__ = ["PLAIN", "Meaning", "faults", "filled", "meaning", "meaning_of", "metrics_in", "shown_in"]

PLAIN = {"1", "none", "series", "nats", "reward", "L2 norm", "log", "dimensions", "ratio per factor", "learning rate"}
_COMPARED = {"==", "!=", "<", ">", "<=", ">="}
_SCOPE = {"run", "group", "env", "blueprint"}
_COUNTED_OVER = {"nissa_red_flag": {"flag"}}
"""Of gauges, labels over which adding up is counting."""
_ALIKE = {
    "ALERTS": {"alertstate", "gate", "alert", "sink", "component"},
    "nissa_run_ended_timestamp_seconds": {"outcome"},
}
"""Of gauges, labels by which no two series are of different things: an alert and an end of a run are one each."""
_PLACED = ("env", ("!=", ""))
"""What leaves out what has no environment."""
_FOREMOST = {"topk", "bottomk"}


@dataclass
class Meaning:
    """Labels and unit of a result; the unit of a bare number is None."""

    labels: set[str] | None
    unit: str | None
    per_second: int = 0
    faults: list[str] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    """How counters are read: "total", "increase", "rate"."""
    gauge: str = ""
    """The gauge itself, until something is computed of it."""
    told: set[str] = field(default_factory=set)
    """Labels that are limited to values by name."""
    limited: set[str] = field(default_factory=set)
    """Labels by which it is limited to what the reader chose."""


def faults(expr: str) -> list[str]:
    """Everything that is wrong with an expression."""
    try:
        return meaning_of(expr).faults
    except ValueError as error:
        return [f"does not parse: {error}"]


@lru_cache(maxsize=1_000)
def meaning_of(expr: str) -> Meaning:
    """Of an expression with variables in it."""
    return meaning(parsed(expr))


@lru_cache(maxsize=1_000)
def metrics_in(expr: str) -> set[str]:
    """Names of the metrics that an expression asks for."""
    return {metric.name if (metric := known(name)) else name for name, _ in selected(filled(expr))}


def meaning(expr: Any) -> Meaning:
    """Labels, unit and faults, from the leaves up."""
    return _READERS[type(expr).__name__](expr)


def _selector(expr: Any) -> Meaning:
    metric = known(expr.name)
    if metric is None:
        return Meaning(set(), None, faults=[f"{expr.name} is not exported"])
    rows = [(matcher.name, (operator(matcher), matcher.value)) for matcher in expr.matchers.matchers]
    matchers = dict(row for row in rows if row != _PLACED)
    told = matchers.keys() - _SCOPE - SCRAPED
    wrong = misread(metric, matchers, _PLACED in rows)
    found = Meaning({*metric.labels, *SCRAPED}, metric.unit, faults=wrong, told=told)
    found.limited = {label for label, (_, value) in matchers.items() if value.startswith("$")} & _SCOPE
    if metric.type == "counter":
        found.reads = {"total"}
    else:
        found.gauge = metric.name
    return found


def _aggregate(expr: Any) -> Meaning:
    inner, operation = meaning(expr.expr), str(expr.op).lower()
    labels = set(expr.modifier.labels) if expr.modifier else set()
    there = inner.labels or set()
    inner.faults += [f"{label} is not there to group by" for label in sorted(labels - there)]
    if operation in _FOREMOST:
        inner.faults += [f"the {operation} by {sorted(labels)}"] * (labels not in (set(), there & {"run", "group"}))
        return inner
    inner.faults += _added_up_twice(expr, operation, labels, there)
    counted = inner.told | (_COUNTED_OVER.get(inner.gauge, set()) if operation == "sum" else set())
    counted |= _ALIKE.get(inner.gauge, set())
    lost = there - labels - _SCOPE - SCRAPED - counted
    if inner.gauge and operation != "count":
        inner.faults += [f"{operation} of {inner.gauge} over {label}" for label in sorted(lost)]
    if "severity" in lost or ("alert" in lost and "severity" not in there | inner.told):
        inner.faults.append("marks and faults are added up")
    unit = "series" if operation == "count" else inner.unit
    found = Meaning(labels, unit, inner.per_second, inner.faults, inner.reads)
    found.told, found.limited = inner.told, inner.limited
    return found


def _added_up_twice(expr: Any, operation: str, labels: set[str], there: set[str]) -> Iterator[str]:
    """Two processes may tell of one run: what is added up is first added up of each, and then looked at once."""
    if operation == "count" and not there - labels:
        yield "counts one"
    if operation in {"sum", "count"} and "run" in there and (there - labels) & SCRAPED:
        yield f"the {operation} over processes that tell of one run"
    inner = expr.expr
    sums = type(inner).__name__ == "AggregateExpr" and str(inner.op).lower() == "sum" and there & SCRAPED
    if sums and (operation, there - labels) != ("max", SCRAPED):
        yield f"the {operation} over {sorted(there - labels)} of sums by process"


def _call(expr: Any) -> Meaning:
    name, arguments = expr.func.name, expr.args
    if name in {"time", "vector"}:
        return Meaning(None, "seconds" if name == "time" else None)
    inner = meaning(arguments[-1])
    if name in {"rate", "increase"}:
        if inner.gauge:
            inner.faults.append(f"{name} of {inner.gauge}, which is a gauge")
        inner.per_second += name == "rate"
        inner.reads = {name}
    elif name == "log10":
        inner.unit = "log"
    elif name == "histogram_quantile":
        inner.unit, inner.per_second = str(inner.unit).removeprefix("bucket of "), 0
        if "le" not in (inner.labels or ()):
            inner.faults.append("a quantile without buckets")
        inner.labels = (inner.labels or set()) - {"le"}
    return inner


def _binary(expr: Any) -> Meaning:
    left, right, sign = meaning(expr.lhs), meaning(expr.rhs), str(expr.op)
    found = Meaning(left.labels, left.unit, left.per_second, left.faults + right.faults, left.reads | right.reads)
    found.told = left.told & right.told or (left.told if right.labels is None else right.told)
    found.limited = left.limited | right.limited
    on = set(expr.modifier.matching.labels) if expr.modifier and expr.modifier.matching else set()
    for side in (left, right):
        found.faults += [f"{label} is not there to match" for label in sorted(on - (side.labels or set()))]
    if sign == "/" and None not in (left.labels, right.labels) and left.limited != right.limited:
        found.faults.append(f"{sorted(left.limited ^ right.limited)} limit one side of a share")
    if right.labels is None or left.labels is None:
        of = left if right.labels is None else right
        # A multiple of a gauge is as much one.
        found.labels, found.gauge = of.labels, of.gauge if sign in {"*", "/"} else ""
    elif not (expr.modifier and expr.modifier.matching) and left.labels != right.labels:
        found.faults.append(f"{sign} never matches: {sorted(left.labels ^ right.labels)} are on one side")
    if sign in {"or", "+", "-"} and None not in (left.labels, right.labels) and left.told != right.told:
        found.faults.append(f"{sorted(left.told ^ right.told)} are told on one side")
    if sign == "unless" and quantity(expr.rhs).name != "nissa_run_ended_timestamp_seconds":
        found.faults.append(f"leaves out by {quantity(expr.rhs).name}")
    if sign in _COMPARED and expr.modifier and expr.modifier.return_bool:
        found.unit = "1"
    if sign in _COMPARED or sign in {"unless", "and", "or"}:
        return found
    if quantity(expr.lhs) == quantity(expr.rhs):
        found.faults.append(f"the same {sign} the same")
    found.unit, found.per_second = _combined(sign, left, right)
    if sign == "-":
        # What came less what went is what there is.
        found.reads -= {"total"}
    if sign in "+-" and None not in (left.unit, right.unit) and left.unit != right.unit:
        found.faults.append(f"{left.unit} {sign} {right.unit}")
    return found


def _combined(sign: str, left: Meaning, right: Meaning) -> tuple[str | None, int]:
    """Unit of a sum, product or quotient; a quotient by a count has the unit of what is counted over."""
    if sign == "/" and right.unit is not None:
        rest = left.per_second - right.per_second
        return ("ratio" if left.unit == right.unit else left.unit), rest
    if sign == "*" and right.unit == "environments":
        return left.unit, left.per_second
    if sign == "*" and right.unit == "ratio" and left.labels is None:
        return "points", right.per_second
    return (left.unit if left.unit is not None else right.unit), left.per_second + right.per_second


def shown_in(meaning: Meaning) -> set[str]:
    """Units of Grafana in which this can be shown."""
    if meaning.per_second:
        return {"percentunit"} if meaning.unit == "seconds" else {"cps"}
    exact = {
        "ratio": {"percentunit"},
        "points": {"suffix: pp"},
        "factor": {"suffix:x"},
        "seconds": {"s"},
        "bytes": {"bytes"},
        "watts": {"watt"},
    }
    if meaning.unit in PLAIN:
        return {"none", "short", "sci"}
    return exact.get(str(meaning.unit), {"short", "none"})


_READERS: dict[str, Callable[[Any], Meaning]] = {
    "NumberLiteral": lambda _: Meaning(None, None),
    "ParenExpr": lambda expr: meaning(expr.expr),
    "VectorSelector": _selector,
    "MatrixSelector": lambda expr: _selector(expr.vector_selector),
    "AggregateExpr": _aggregate,
    "Call": _call,
    "BinaryExpr": _binary,
}
