"""What was out of order, as a terminal shows it: alerts, the worst first, and where to read about the dense traces."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from nissa.events.vocabulary import MARK, severity_rank
from nissa.sinks.text import Row, name, place_cells, table

__all__ = ["alert_table"]

_SHOWN = 20
_STYLES = {"critical": "bold red", "warning": "yellow"}


def alert_table(tables: Mapping[str, Sequence[Row]]) -> Iterator[RenderableType]:
    """What there is to say about the rows of "alerts" and "traces"; nothing if there are none. Marks are no alerts."""
    alerts = sorted((row for row in tables["alerts"] if row["severity"] != MARK), key=_rank)
    if alerts:
        shown = table("Alerts", ("Severity", "Alert", "Group"), ("Env", "Episode", "Epoch"), ("State", "What"))
        for row in alerts[:_SHOWN]:
            shown.add_row(*_cells(row))
        yield shown
    if more := len(alerts) - _SHOWN if len(alerts) > _SHOWN else 0:
        yield Text(f" and {more:,} more: `nissa replay RUN --json` has them all.", style="dim")
    if traces := len(tables["traces"]):
        yield Text(f" {traces:,} dense trace{'s' * (traces > 1)}: `nissa traces RUN` lists them.", style="dim")


def _rank(row: Row) -> tuple[int, bool]:
    """By severity, and those that stand before the others; within that, as they came."""
    return -severity_rank(row["severity"]), row["state"] != "stands"


def _cells(row: Row) -> list[Any]:
    return [
        Text(row["severity"], style=_STYLES.get(row["severity"], "")),
        name(row["alert"]),
        *place_cells(row["group"], row["env"], row["episode"], row["epoch"]),
        row["state"],
        Text(row["what"]),
    ]
