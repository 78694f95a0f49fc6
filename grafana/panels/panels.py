"""The kinds of panels: each function returns one with title, description and unit, `size` in grid units of 24 a row.

A legend says first what tells series apart, and last the run, because legends are cut off at the end.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from grafana_foundation_sdk.builders.bargauge import Panel as BarGauge
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig, VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.statetimeline import Panel as StateTimeline
from grafana_foundation_sdk.builders.statushistory import Panel as StatusHistory
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, FieldColorModeId

from nissa.grafana.panels.fields import SOURCE, color_by, last, limited, mapping, targets
from nissa.grafana.panels.graphs import Style, drawn, explained, scaled
from nissa.grafana.panels.thresholds import Limits
from nissa.grafana.panels.unfed import unfed
from nissa.grafana.promql import Query, described

__all__ = ["LEAST", "NONE", "Size", "Style", "bars", "growing", "leading", "lines", "numbers", "states", "strips"]

NONE = Limits()
"""Of what is neither good nor bad."""

LEAST = "1m"
"""Width of a point at least: windows are wider by one scrape, which must be little beside it."""

P = TypeVar("P", TimeSeries, Stat, BarGauge, StateTimeline, StatusHistory)

Size = tuple[int, int]
"""Width and height."""


def lines(
    title: str,
    text: str,
    unit: str,
    *queries: Query,
    size: Size = (12, 8),
    limits: Limits = NONE,
    style: Style = "steps",
    high: float | None = None,
) -> TimeSeries:
    """Values over time; limits are drawn as dashed lines, and `high` ends the axis."""
    panel = _start(TimeSeries(), (title, text, unit), queries, size)
    panel.thresholds(limited(limits, drawn=True)).color_scheme(color_by(FieldColorModeId.PALETTE_CLASSIC))
    if limits != NONE:
        panel.thresholds_style(GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED))
    if high is not None:
        panel.max(high)
    panel.tooltip(VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    return explained(drawn(scaled(panel, unit), queries, style), queries, size[0])


def growing(title: str, text: str, *queries: Query, size: Size = (12, 8), limits: Limits = NONE) -> TimeSeries:
    """How often something happened: columns, one on the other; the description says how long a point is."""
    told = f"{text} In the time of a point, which is a minute or more."
    return lines(title, told, "short", *queries, size=size, limits=limits, style="stacked").interval(LEAST)


def numbers(
    title: str,
    text: str,
    unit: str,
    *queries: Query,
    size: Size = (4, 4),
    limits: Limits = NONE,
    names: Mapping[int, tuple[str, str]] | None = None,
) -> Stat:
    """The value at the end of the time range, large; red or yellow beyond its limits, or named."""
    panel = _once(Stat(), (title, text, unit), queries, size)
    panel.thresholds(limited(limits)).color_scheme(color_by(FieldColorModeId.THRESHOLDS)).reduce_options(last())
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.VALUE)
    return panel.mappings([mapping(names)]) if names else panel


def bars(
    title: str, text: str, unit: str, *queries: Query, size: Size = (8, 8), limits: Limits = NONE, none: str = ""
) -> BarGauge:
    """Each series at the end of the time range as a bar beside its name; `none` is said where there is none."""
    panel = _once(BarGauge(), (title, text, unit), queries, size)
    panel.thresholds(limited(limits)).color_scheme(color_by(FieldColorModeId.THRESHOLDS)).reduce_options(last())
    panel.display_mode(common.BarGaugeDisplayMode.BASIC).orientation(common.VizOrientation.HORIZONTAL)
    # Only then are the heights heeded.
    panel.sizing(common.BarGaugeSizing.MANUAL).name_placement(common.BarGaugeNamePlacement.LEFT)
    panel.min(0).show_unfilled(True).min_viz_height(16).max_viz_height(24)
    # Or the longest bar would be a whole, whatever share it stands for.
    panel = panel.max(1) if unit == "percentunit" else panel
    return panel.no_value(none) if none else panel


def states(
    title: str, text: str, unit: str, *queries: Query, names: Mapping[int, tuple[str, str]], size: Size
) -> StateTimeline:
    """One row a series, coloured and named by its state; 24 rows a page."""
    panel = _start(StateTimeline(), (title, text, unit), queries, size)
    panel.mappings([mapping(names)]).color_scheme(color_by(FieldColorModeId.THRESHOLDS)).thresholds(limited(NONE))
    panel.legend(VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.LIST))
    return panel.merge_values(True).per_page(24).show_value(common.VisibilityMode.AUTO)


def strips(title: str, text: str, unit: str, *queries: Query, size: Size = (24, 9)) -> StatusHistory:
    """One row a series, from light to dark blue by its value: what a heatmap is for names."""
    panel = _start(StatusHistory(), (title, text, unit), queries, size)
    panel.color_scheme(color_by(FieldColorModeId.CONTINUOUS_BLUES)).thresholds(limited(NONE))
    panel.legend(VizLegendOptions().show_legend(False)).per_page(24)
    return panel.show_value(common.VisibilityMode.NEVER)


def leading(uid: str, panel: Any) -> Any:
    """The panel, with a link to the dashboard that tells more, for the same time and variables."""
    name = uid.removeprefix("nissa-")
    link = DashboardLink(f"More: {name}").type(DashboardLinkType.LINK)
    return panel.links([link.url(f"/d/{uid}?${{__url_time_range}}&${{__all_variables}}")])


def _once(panel: P, about: tuple[str, str, str], queries: Sequence[Query], size: Size) -> P:
    """A panel that asks for one moment: points over the time may miss the last scrape of a run."""
    title, text, unit = about
    told = described(text, [query.expr for query in queries])
    return _start(panel, (title, told, unit), queries, size).targets(targets(queries, once=True))


def _start(panel: P, about: tuple[str, str, str], queries: Sequence[Query], size: Size) -> P:
    title, text, unit = about
    panel.title(title).description(text).unit(unit).datasource(SOURCE).targets(targets(queries))
    panel.no_value(unfed(query.expr for query in queries))
    return panel.span(size[0]).height(size[1])
