"""Every alert as a row of Markdown: how bad it is, for how long it waits, what it compares, and where one looks."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import promql_parser as promql

from nissa.grafana.leads import LEADS

__all__ = ["with_alerts_table"]

_TABLE = re.compile(r"^\| alert \|.*\n(?:\|.*\n)*", re.MULTILINE)
_HEAD = "| alert | severity | waits | compares | panel |\n|---|---|---|---|---|\n"
_COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}
_JOINS = re.compile(r"\{\}| ignoring \([^)]*\)")
_LONG = re.compile(r"\{[^}]{80,}\}")

Document = Mapping[str, Any]


def with_alerts_table(page: str, boards: Iterable[Document], groups: Iterable[Document]) -> str:
    """The runbook with its table of alerts written anew, from the dashboards as Grafana's JSON and the rules."""
    titles = {str(board["uid"]): board["title"].removeprefix("Nissa ").capitalize() for board in boards}
    rules = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    return _TABLE.sub(lambda _: _HEAD + "".join(_row(rule, titles) for rule in rules), page)


def _row(rule: Document, titles: Mapping[str, str]) -> str:
    name, (uid, title) = rule["alert"], LEADS[rule["alert"]]
    compared = ", ".join(f"`{text}`" for text in _compared(promql.parse(rule["expr"])))
    link = f"[{name}](#{name.lower()})"
    return f"| {link} | {rule['labels']['severity']} | {rule['for']} | {compared} | {titles[uid]}, {title} |\n"


def _compared(node: Any) -> Iterator[str]:
    """Each comparison, without long lists of labels."""
    if isinstance(node, promql.BinaryExpr) and str(node.op) in _COMPARISONS:
        yield _LONG.sub("{...}", _JOINS.sub("", str(node))).replace("|", "\\|")
        return
    for child in (getattr(node, name, None) for name in ("lhs", "rhs", "expr")):
        if child is not None:
            yield from _compared(child)
