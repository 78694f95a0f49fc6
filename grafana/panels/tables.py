"""Tables of numbers as they are, or were last: one row for each set of labels, one column for each query."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders.common import TableSortByFieldState
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from nissa.grafana.panels.fields import SOURCE, limited, mapping, targets
from nissa.grafana.panels.thresholds import Limits
from nissa.grafana.panels.unfed import EMPTY, unfed, unfed_cell
from nissa.grafana.promql import Query, described, held, once

__all__ = ["Column", "rows"]


class Column(NamedTuple):
    """One column; its query gives one number for each row."""

    title: str
    """Its head."""
    expr: str
    """PromQL, of which the labels of the row leave one number, or the same of several processes."""
    unit: str
    """Of its numbers."""
    limits: Limits = Limits()
    """Beyond which a number is coloured."""
    names: Mapping[int, tuple[str, str]] | None = None
    """Names and colours of its values, where they are states."""


_WIDTHS: Mapping[str, int] = {"run": 190, "group": 90, "env": 60, "blueprint": 110, "git_commit": 115}
"""Of columns of labels, in pixels. All others share what is left, and have no less than `_LEAST`."""
_LEAST = 80

_SHORT = {"type": "regex", "options": {"pattern": "^(.{8}).*$", "result": {"text": "$1", "index": 0}}}
"""A commit as people write it."""


def rows(
    title: str,
    text: str,
    by: Sequence[str],
    *columns: Column,
    size: tuple[int, int] = (24, 8),
    first: str = "run",
    none: str = "",
    now: bool = False,
) -> Table:
    """A table with a row for each combination of the labels `by`; a cell without a number says why in a word.

    A column that stands alone without limits only says that its row is there, and is not shown. Rows go down by the
    column `first`: the newest run stands at the top. `none` is said where no row is, or else what feeds the first
    column. What is gone has its rows, unless the table speaks of `now` alone.
    """
    exprs = [once(column.expr, ", ".join(by)) for column in columns]
    queries = [Query(expr if now else held(expr), "") for expr in exprs]
    told = described(text, [query.expr for query in queries])
    panel = Table().title(title).description(told).unit("none").datasource(SOURCE)
    panel.targets([query.format(PromQueryFormat.TABLE) for query in targets(queries, once=True)])
    panel.sort_by([TableSortByFieldState().display_name(first).desc(True)])
    panel.with_transformation(DataTransformerConfig("merge", options={}))
    panel.with_transformation(DataTransformerConfig("organize", options=_arranged(by, columns)))
    for label in by:
        panel.override_by_name(label, _of_label(label))
    subject = unfed([columns[0].expr])
    for column in columns if _shown(columns) else ():
        panel.override_by_name(column.title, _properties(column, subject))
    panel.span(size[0]).height(size[1]).min_width(_LEAST)
    return panel.no_value(none or subject)


def _shown(columns: Sequence[Column]) -> bool:
    return len(columns) > 1 or columns[0].limits != Limits()


def _arranged(by: Sequence[str], columns: Sequence[Column]) -> dict[str, Any]:
    """Which columns are shown, in which order, and with which heads."""
    # A query that stands alone has no letter.
    names = [f"Value #{chr(65 + n)}" for n in range(len(columns))] if len(columns) > 1 else ["Value"]
    heads = dict(zip(names, [column.title for column in columns], strict=True)) if _shown(columns) else {}
    hidden = {name: True for name in ("Time", *names) if name not in heads}
    order = {name: n for n, name in enumerate((*by, *heads))}
    return {"excludeByName": hidden, "indexByName": order, "renameByName": heads}


def _of_label(label: str) -> list[DynamicConfigValue]:
    """It can be filtered; the button would hide the heads of numbers."""
    properties = [DynamicConfigValue("custom.filterable", True), DynamicConfigValue("noValue", EMPTY)]
    if label in _WIDTHS:
        properties.append(DynamicConfigValue("custom.width", _WIDTHS[label]))
    return [*properties, DynamicConfigValue("mappings", [_SHORT])] if label == "git_commit" else properties


def _properties(column: Column, subject: str) -> list[DynamicConfigValue]:
    shown = [DynamicConfigValue("unit", column.unit), DynamicConfigValue("custom.wrapHeaderText", True)]
    shown.append(DynamicConfigValue("noValue", unfed_cell(column.expr, subject)))
    cell = DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
    if column.names:
        return [*shown, DynamicConfigValue("mappings", [mapping(column.names)]), cell]
    if column.limits == Limits():
        return shown
    limits = DynamicConfigValue("thresholds", limited(column.limits).build())
    color = DynamicConfigValue("color", {"mode": "thresholds"})
    return [*shown, limits, color, cell]
