"""How often did it happen? Growth of counters in columns, none of which counts much of what another does."""

from grafana_foundation_sdk.builders.timeseries import Panel

from nissa.grafana.panels import NONE, Size, lines
from nissa.grafana.promql import Query
from nissa.grafana.thresholds import Limits

__all__ = ["LEAST", "growing"]

LEAST = "1m"
"""Width of a point at least: windows are wider by one scrape, which must be little beside it."""


def growing(title: str, text: str, *queries: Query, size: Size = (12, 8), limits: Limits = NONE) -> Panel:
    """Increases, one on the other; the description says how long a point is."""
    told = f"{text} In the time of a point, which is a minute or more."
    return lines(title, told, "short", *queries, size=size, limits=limits, style="stacked").interval(LEAST)
