"""What does a PromQL expression mean: the labels and the unit of its result, and what is wrong with it?

A type checker of its own: it knows the table of metrics and PromQL's rules, and nothing of the code that writes panels.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser as promql

from nissa.sinks.metrics import METRICS
from tests.grafana.promql import selected

SCRAPED = {"instance", "job"}
LISTS = ("run", "group", "env", "blueprint", "instance")
_SHARES = re.compile(r"health_score")
_FACTORS = re.compile(r"growth_ratio|compute_cost_ratio|flops_ratio|ratio_max|host_grad_ratio")
_PLAIN = {"1", "none", "nats", "reward", "L2 norm", "log", "dimensions"}
_COMPARED = {"==", "!=", "<", ">", "<=", ">="}


@dataclass
class Meaning:
    """Labels and unit of a result; the unit of a bare number is None."""

    labels: set[str] | None
    unit: str | None
    per_second: int = 0
    faults: list[str] = field(default_factory=list)


def filled(text: str, **values: str) -> str:
    """A text with Grafana's variables replaced, as Grafana does; by default every series is chosen."""
    known = dict.fromkeys(LISTS, ".*") | {"__rate_interval": "1m", "__range": "1h"} | values
    return re.sub(r"\$(\w+)", lambda found: known.get(found[1], found[0]), text)


def variables(text: str) -> set[str]:
    """Names of the variables in a text, without Grafana's own."""
    return {name for name in re.findall(r"\$\{?(\w+)", text) if not name.startswith("__")}


def faults(expr: str) -> Iterator[str]:
    """Everything that is wrong with an expression."""
    try:
        parsed = promql.parse(filled(expr))
    except ValueError as error:
        yield f"does not parse: {error}"
        return
    yield from meaning(parsed).faults


def meaning_of(expr: str) -> Meaning:
    """Of an expression with variables in it."""
    return meaning(promql.parse(filled(expr)))


def metrics_in(expr: str) -> set[str]:
    """Names of the metrics that an expression asks for."""
    return {_metric(name)[0] for name, _ in selected(filled(expr))}


def meaning(expr: Any) -> Meaning:
    """Labels, unit and faults, from the leaves up."""
    return _READERS[type(expr).__name__](expr)


def _metric(name: str) -> tuple[str, str]:
    """Name in the table, and a histogram's suffix."""
    base, suffix = re.fullmatch(r"(.*?)(_bucket|_sum|_count)?", name).groups()  # type: ignore[union-attr]
    return (base, suffix or "") if base in METRICS and METRICS[base].type == "histogram" else (name, "")


def _selector(expr: Any) -> Meaning:
    name, suffix = _metric(expr.name)
    if name not in METRICS:
        return Meaning(set(), None, faults=[f"{name} is not exported"])
    labels = {*METRICS[name].labels, *SCRAPED, *({"le"} if suffix == "_bucket" else ())}
    matched = {matcher.name for matcher in expr.matchers.matchers}
    faults = [f"{name} has no label {label}" for label in sorted(matched - labels)]
    faults += [f"{name} ignores the variable {v}" for v in LISTS[:4] if v in labels and v not in matched]
    unit = METRICS[name].unit
    unit = {"_bucket": f"bucket of {unit}", "_count": "observations"}.get(suffix, unit)
    kind = "factor" if _FACTORS.search(name) else "ratio" if _SHARES.search(name) else unit
    return Meaning(labels, kind, faults=faults)


def _aggregate(expr: Any) -> Meaning:
    inner, operation = meaning(expr.expr), str(expr.op).lower()
    labels = set(expr.modifier.labels) if expr.modifier else set()
    inner.faults += [f"{label} is not there to group by" for label in sorted(labels - (inner.labels or set()))]
    unit = "series" if operation == "count" else inner.unit
    return Meaning(labels, unit, inner.per_second, inner.faults)


def _call(expr: Any) -> Meaning:
    name, arguments = expr.func.name, expr.args
    if name in {"time", "vector"}:
        return Meaning(None, "seconds" if name == "time" else None)
    inner = meaning(arguments[-1])
    if name in {"rate", "increase"}:
        metric = METRICS.get(_metric(arguments[0].vector_selector.name)[0])
        if metric and metric.type == "gauge":
            inner.faults.append(f"{name} of {metric.name}, which is a gauge")
        inner.per_second += name == "rate"
    elif name == "log10":
        inner.unit = "log"
    elif name == "histogram_quantile":
        inner.unit, inner.per_second = str(inner.unit).removeprefix("bucket of "), 0
        inner.labels = (inner.labels or set()) - {"le"}
    return inner


def _binary(expr: Any) -> Meaning:
    left, right, operator = meaning(expr.lhs), meaning(expr.rhs), str(expr.op)
    found = Meaning(left.labels, left.unit, left.per_second, left.faults + right.faults)
    if right.labels is None or left.labels is None:
        found.labels = left.labels if right.labels is None else right.labels
    elif not (expr.modifier and expr.modifier.matching) and left.labels != right.labels:
        found.faults.append(f"{operator} never matches: {sorted(left.labels ^ right.labels)} are on one side")
    if operator in _COMPARED or operator in {"unless", "and", "or"}:
        return found
    found.unit, found.per_second = _combined(operator, left, right)
    if operator in "+-" and None not in (left.unit, right.unit) and left.unit != right.unit:
        found.faults.append(f"{left.unit} {operator} {right.unit}")
    return found


def _combined(operator: str, left: Meaning, right: Meaning) -> tuple[str | None, int]:
    """Unit of a sum, product or quotient; a quotient by a count has the unit of what is counted over."""
    if operator == "/" and right.unit is not None:
        rest = left.per_second - right.per_second
        return ("ratio" if left.unit == right.unit else left.unit), rest
    if operator == "*" and right.unit == "environments":
        return left.unit, left.per_second
    return (left.unit if left.unit is not None else right.unit), left.per_second + right.per_second


def shown_in(meaning: Meaning) -> set[str]:
    """Units of Grafana in which this can be shown."""
    if meaning.per_second:
        return {"percentunit"} if meaning.unit == "seconds" else {"cps"}
    exact = {"ratio": {"percentunit"}, "factor": {"suffix:x"}, "seconds": {"s"}, "bytes": {"bytes"}}
    if meaning.unit in _PLAIN:
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
