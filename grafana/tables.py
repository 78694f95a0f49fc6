"""Tables of numbers as they are now: one row for each set of labels, one column for each query."""

from collections.abc import Sequence
from typing import NamedTuple

from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from nissa.grafana.fields import SOURCE, limited, target
from nissa.grafana.thresholds import Limits

__all__ = ["Column", "rows"]


class Column(NamedTuple):
    """One column; its query gives one number for each row."""

    title: str
    """Its head."""
    expr: str
    """PromQL, to be summed by the labels of the row."""
    unit: str
    """Of its numbers."""
    limits: Limits = Limits()
    """Beyond which a number is coloured."""


def rows(title: str, text: str, by: Sequence[str], *columns: Column, size: tuple[int, int] = (24, 8)) -> Table:
    """A table with a row for each combination of the labels `by`, in which what is not measured stays empty."""
    panel = Table().title(title).description(text).unit("none").datasource(SOURCE)
    panel.targets([_query(n, by, column) for n, column in enumerate(columns)])
    panel.with_transformation(DataTransformerConfig("merge", options={}))
    heads = {f"Value #{chr(65 + n)}": column.title for n, column in enumerate(columns)}
    order = {name: n for n, name in enumerate((*by, *heads))}
    options = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": heads}
    panel.with_transformation(DataTransformerConfig("organize", options=options))
    for column in columns:
        panel.override_by_name(column.title, _properties(column))
    return panel.span(size[0]).height(size[1]).filterable(True)


def _query(n: int, by: Sequence[str], column: Column) -> Dataquery:
    query = target(f"sum by ({', '.join(by)}) ({column.expr})").ref_id(chr(65 + n))
    return query.instant().format(PromQueryFormat.TABLE)


def _properties(column: Column) -> list[DynamicConfigValue]:
    shown = [DynamicConfigValue("unit", column.unit)]
    if column.limits == Limits():
        return shown
    limits = DynamicConfigValue("thresholds", limited(column.limits).build())
    color = DynamicConfigValue("color", {"mode": "thresholds"})
    cell = DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
    return [*shown, limits, color, cell]
