"""What a PromQL expression names, as promql-parser sees it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import promql_parser

__all__ = ["anyway", "filled", "grouped", "nodes", "operator", "parsed", "selected", "variables"]

_LISTS = ("run", "group", "env", "blueprint", "instance")


def filled(text: str, **values: str) -> str:
    """A text with Grafana's variables replaced, as Grafana does; by default every series is chosen."""
    known = dict.fromkeys(_LISTS, ".*") | {"__rate_interval": "1m", "__range": "1h", "__range_s": "3600"} | values
    return re.sub(r"\$(\w+)", lambda found: known.get(found[1], found[0]), text)


def anyway(expr: str) -> str:
    """What is shown only where it is more than 0 and foremost, shown where it is 0 as well."""
    return expr.replace(" > 0)", " >= 0)") if re.search(r"\b(topk|sort_desc)\(", expr) else expr


def variables(text: str) -> set[str]:
    """Names of the variables in a text, without Grafana's own."""
    return {name for name in re.findall(r"\$\{?(\w+)", text) if not name.startswith("__")}


@lru_cache(maxsize=10_000)
def parsed(expr: str) -> Any:
    """The tree of an expression, with `$run` for what the reader chose. Raises ValueError on what is no PromQL."""
    return promql_parser.parse(filled(expr, **{name: f"${name}" for name in _LISTS}))


def selected(expression: str) -> list[tuple[str, set[str]]]:
    """Each metric that is selected, with the labels that it is selected by. Raises ValueError on what is no PromQL."""
    found = [node for node in nodes(parsed(expression)) if isinstance(node, promql_parser.VectorSelector)]
    return [(str(node.name), {matcher.name for matcher in node.matchers.matchers}) for node in found]


def grouped(expression: str) -> set[str]:
    """Labels by which anything is aggregated or matched."""
    modifiers = [modifier for node in nodes(parsed(expression)) if (modifier := getattr(node, "modifier", None))]
    lists = [getattr(modifier, "labels", None) or _matching(modifier) for modifier in modifiers]
    return {label for labels in lists for label in labels}


def operator(matcher: Any) -> str:
    """How a matcher compares, as it is written."""
    return {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}[str(matcher.op).removeprefix("MatchOp.")]


def _matching(modifier: Any) -> list[str]:
    matching = getattr(modifier, "matching", None)
    return list(matching.labels) if matching else []


def nodes(node: Any) -> Iterator[Any]:
    """A tree's nodes, the root first."""
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if (child := getattr(node, name, None)) is not None:
            yield from nodes(child)
    for child in getattr(node, "args", ()):
        yield from nodes(child)
