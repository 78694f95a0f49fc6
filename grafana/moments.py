"""How is it at the end of the time range? Values of then alone: what is gone by then is not shown."""

from typing import TypeVar

from grafana_foundation_sdk.builders.bargauge import Panel as BarGauge
from grafana_foundation_sdk.builders.stat import Panel as Stat

from nissa.grafana.fields import target
from nissa.grafana.queries import Query

__all__ = ["at_the_end"]

P = TypeVar("P", Stat, BarGauge)


def at_the_end(panel: P, *queries: Query) -> P:
    """The panel, asking for these queries once instead of over the time."""
    return panel.targets([target(*query).ref_id(chr(65 + n)).instant() for n, query in enumerate(queries)])
