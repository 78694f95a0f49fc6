"""What is it that an expression shows? The same for its highest, its mean, and for one environment alone.

>>> from tests.grafana.promql import parsed
>>> quantity(parsed('max by (run) (time() - nissa_run_heartbeat_timestamp_seconds{run=~"$run"}) or vector(0)')).name
'time() - nissa_run_heartbeat_timestamp_seconds'
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import promql_parser as promql

from tests.grafana.promql import operator, parsed
from tests.grafana.series import CHOSEN, SCRAPED

__all__ = ["Bound", "Quantity", "bounds", "quantity"]

_ARITHMETIC = {"+", "-", "*", "/"}
Recorded = Mapping[str, str]
"""Expressions of recorded rules by name."""
NOTHING: Recorded = {}
_COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}


class Quantity(NamedTuple):
    """What is shown or judged."""

    name: str
    """Metrics and what is computed of them, without labels, groupings and means over time."""
    limited: frozenset[tuple[str, str, str]] = frozenset()
    """Matchers (label, operator, value) by which it is not all of that."""
    windows: frozenset[str] = frozenset()
    """Over how long it grows."""

    def overlaps(self, other: "Quantity") -> bool:
        """Whether both are of the same series, as far as limits by name can tell."""
        mine, others = ({label: value for label, sign, value in q.limited if "!" not in sign} for q in (self, other))
        shared = mine.keys() & others.keys()
        return self.name == other.name and all(
            set(mine[label].split("|")) & set(others[label].split("|")) for label in shared
        )


class Bound(NamedTuple):
    """A comparison with a number."""

    of: Quantity
    sign: str
    number: float


def quantity(node: Any, recorded: Recorded = NOTHING) -> Quantity:
    """Of a tree; what a recorded rule names is what it was recorded from."""
    return _READERS[type(node).__name__](node, recorded)


def _over(node: Any, recorded: Recorded) -> Quantity:
    return _selected(node.vector_selector, recorded)._replace(windows=frozenset({str(node.range)}))


def _aggregated(node: Any, recorded: Recorded) -> Quantity:
    inner = quantity(node.expr, recorded)
    return inner._replace(name=f"count({inner.name})") if str(node.op).lower() == "count" else inner


def _selected(node: Any, recorded: Recorded) -> Quantity:
    told = {(m.name, operator(m), m.value) for m in node.matchers.matchers if m.name not in {*CHOSEN, *SCRAPED}}
    if node.name not in recorded:
        return Quantity(str(node.name), frozenset(told))
    inner = quantity(parsed(recorded[node.name]), recorded)
    return inner._replace(limited=inner.limited | told)


def _called(node: Any, recorded: Recorded) -> Quantity:
    name = node.func.name
    if not node.args:
        return Quantity(f"{name}()")
    inner = quantity(node.args[-1], recorded)
    if name == "sort_desc":
        return inner
    if name.endswith("_over_time"):
        return inner._replace(windows=frozenset())
    return inner._replace(name=f"{name}({inner.name})")


def _combined(node: Any, recorded: Recorded) -> Quantity:
    """A filter leaves what it is; of two, one of which stands in for the other, the first counts.

    A hundred times as much is the same in percent.
    """
    left, right, sign = quantity(node.lhs, recorded), quantity(node.rhs, recorded), str(node.op)
    if (left.name, sign) == ("100", "*"):
        return right
    if sign not in _ARITHMETIC and not (node.modifier and node.modifier.return_bool):
        return left
    return Quantity(f"{left.name} {sign} {right.name}", left.limited | right.limited, left.windows | right.windows)


def bounds(node: Any, recorded: Recorded) -> Iterator[Bound | str]:
    """Each comparison in a rule: with a number a bound, and with anything else its text."""
    if isinstance(node, promql.ParenExpr):
        yield from bounds(node.expr, recorded)
    elif isinstance(node, promql.BinaryExpr):
        if str(node.op) not in _COMPARISONS:
            yield from (*bounds(node.lhs, recorded), *bounds(node.rhs, recorded))
        elif isinstance(node.rhs, promql.NumberLiteral):
            yield from (Bound(of, str(node.op), node.rhs.val) for of in _either(node.lhs, recorded))
        else:
            yield str(node)


def _either(node: Any, recorded: Recorded) -> Iterator[Quantity]:
    """What is judged, and what stands in for it where it is not there."""
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "or":
        yield from (*_either(node.lhs, recorded), *_either(node.rhs, recorded))
    elif isinstance(node, promql.Call) and node.func.name.endswith("_over_time"):
        yield from _either(node.args[-1].vector_selector, recorded)
    elif isinstance(node, promql.VectorSelector) and node.name in recorded:
        told = _selected(node, {}).limited
        inner = _either(parsed(recorded[str(node.name)]), recorded)
        yield from (of._replace(limited=of.limited | told) for of in inner)
    else:
        yield quantity(node, recorded)


_READERS: Mapping[str, Callable[[Any, Recorded], Quantity]] = {
    "NumberLiteral": lambda node, _: Quantity(f"{node.val:g}"),
    "ParenExpr": lambda node, recorded: quantity(node.expr, recorded),
    "VectorSelector": _selected,
    "MatrixSelector": _over,
    "AggregateExpr": _aggregated,
    "Call": _called,
    "BinaryExpr": _combined,
}
