"""What a PromQL expression names, as promql-parser sees it."""

from collections.abc import Iterator
from typing import Any

import promql_parser

__all__ = ["grouped", "selected"]


def selected(expression: str) -> list[tuple[str, set[str]]]:
    """Each metric that is selected, with the labels that it is selected by. Raises ValueError on what is no PromQL."""
    nodes = [node for node in _nodes(promql_parser.parse(expression)) if isinstance(node, promql_parser.VectorSelector)]
    return [(str(node.name), {matcher.name for matcher in node.matchers.matchers}) for node in nodes]


def grouped(expression: str) -> set[str]:
    """Labels by which anything is aggregated or matched."""
    nodes = _nodes(promql_parser.parse(expression))
    modifiers = [modifier for node in nodes if (modifier := getattr(node, "modifier", None))]
    lists = [getattr(modifier, "labels", None) or _matching(modifier) for modifier in modifiers]
    return {label for labels in lists for label in labels}


def _matching(modifier: Any) -> list[str]:
    matching = getattr(modifier, "matching", None)
    return list(matching.labels) if matching else []


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for name in ("lhs", "rhs", "expr", "vector_selector"):
        if (child := getattr(node, name, None)) is not None:
            yield from _nodes(child)
    for child in getattr(node, "args", ()):
        yield from _nodes(child)
