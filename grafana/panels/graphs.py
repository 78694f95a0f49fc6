"""How is a graph drawn? As lines or columns, with an axis and a legend that leave the values their room."""

from collections.abc import Sequence
from typing import Literal

from grafana_foundation_sdk.builders.common import StackingConfig, VizLegendOptions
from grafana_foundation_sdk.builders.timeseries import Panel
from grafana_foundation_sdk.models import common

from nissa.grafana.panels.fields import LAST
from nissa.grafana.panels.series_colors import SCOPE, labels_of, overrides
from nissa.grafana.promql import Query

__all__ = ["Style", "drawn", "explained", "scaled"]

Style = Literal["steps", "slopes", "stacked", "sparse"]
"""Values that hold until the next; that change all the time; that add up; that are there now and then, and joined."""

_WIDE = 12
"""Width in the grid from which a legend finds room beside the graph."""
_BESIDE, _WITH_RUN = 280, 340
"""Its own width in pixels, and so that the end of a run's name is seen, in which runs differ."""

_AT_LEAST = {"percentunit": 0.01, "short": 1.0, "cps": 0.1, "s": 0.001, "sci": 1e-6}
"""Where an axis ends if all is 0, by unit; Grafana's would end at 100, or at 10,000%."""
_FROM_ZERO = ("cps", "bytes", "s")
"""Units of what is never negative, and compared by its height."""


def drawn(panel: Panel, queries: Sequence[Query], style: Style) -> Panel:
    """Colours, and columns for what adds up: a line of 0 would lie over all below it."""
    for name, properties in overrides(queries, dashed=style != "stacked"):
        panel.override_by_regexp(name, properties)
    if style == "stacked":
        panel.draw_style(common.GraphDrawStyle.BARS).line_width(0).fill_opacity(90).bar_width_factor(0.9)
        return panel.stacking(StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    panel.line_width(2)
    if style == "sparse":
        return panel.span_nulls(True).show_points(common.VisibilityMode.ALWAYS).point_size(4)
    slopes = style == "slopes"
    return panel.line_interpolation(common.LineInterpolation.LINEAR if slopes else common.LineInterpolation.STEP_AFTER)


def scaled(panel: Panel, unit: str) -> Panel:
    """The axis, as far as the unit says how it should be."""
    if unit == "sci":
        panel.decimals(2)
    if unit in _FROM_ZERO:
        panel.axis_soft_min(0)
    return panel.axis_soft_max(_AT_LEAST[unit]) if unit in _AT_LEAST else panel


def explained(panel: Panel, queries: Sequence[Query], width: int) -> Panel:
    """The legend: below the graph, or as a table beside it where a label may have many values."""
    legend = VizLegendOptions().calcs([LAST]).show_legend(True)
    labels = labels_of(queries)
    if width >= _WIDE and labels - SCOPE:
        legend.display_mode(common.LegendDisplayMode.TABLE).placement(common.LegendPlacement.RIGHT)
        legend.width(_WITH_RUN if "run" in labels else _BESIDE)
    else:
        legend.display_mode(common.LegendDisplayMode.LIST).placement(common.LegendPlacement.BOTTOM)
    return panel.legend(legend)
