"""What do values look like: their unit, their limits, their colours? What all kinds of panels share."""

from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders.common import ReduceDataOptions
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

from nissa.grafana.panels.palette import BAD, FINE, POOR
from nissa.grafana.panels.thresholds import Limits
from nissa.grafana.promql import Query

__all__ = [
    "LAST",
    "SOURCE",
    "color_by",
    "last",
    "limited",
    "mapping",
    "target",
    "targets",
]

LAST = "lastNotNull"
"""Grafana's name for the last value that there is."""

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The data source that the reader chose."""


def target(expr: str, legend: str = "", exemplars: bool = False) -> Dataquery:
    """A query."""
    asked = Dataquery().datasource(SOURCE).expr(expr).legend_format(legend)
    return asked.exemplar(True) if exemplars else asked


def targets(queries: Sequence[Query], *, once: bool = False) -> list[Any]:
    """Queries over the time range, or `once` at its end, as A, B, C ..."""
    asked = [target(*query).ref_id(chr(65 + n)) for n, query in enumerate(queries)]
    return [query.instant() if once else query.range() for query in asked]


def last() -> ReduceDataOptions:
    """The value that there is, be it NaN."""
    return ReduceDataOptions().calcs([LAST]).values(False)


def limited(limits: Limits, drawn: bool = False) -> ThresholdsConfig:
    """The colours of fine, warning and critical; where less is worse, the last one on is fine.

    If they are `drawn` as lines, that one is transparent: then each line has the colour of what is below it.
    """
    warning, critical, below = limits
    if below:
        ends = [(critical, BAD), (warning, POOR)]
        worse = [(at, color) for at, color in ends if at is not None]
        fine = "transparent" if drawn else FINE
        steps = [*zip([None, *(at for at, _ in worse)], [*(color for _, color in worse), fine], strict=True)]
    else:
        steps = [(None, FINE), *((at, color) for at, color in ((warning, POOR), (critical, BAD)) if at is not None)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(at, color) for at, color in steps])


def color_by(mode: FieldColorModeId, fixed: str | None = None) -> FieldColor:
    """How a value or a series gets its colour."""
    color = FieldColor().mode(mode)
    return color if fixed is None else color.fixed_color(fixed)


def mapping(names: Mapping[int, tuple[str, str]]) -> ValueMap:
    """Names and colours of values."""
    rows = names.items()
    return ValueMap({str(n): ValueMappingResult(text, color, index=i) for i, (n, (text, color)) in enumerate(rows)})
