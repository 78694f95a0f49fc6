"""What was out of order, as a terminal shows it: alerts, the worst first, and where to read about the dense traces."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType
from rich.text import Text

from nissa.events.vocabulary import ENV_ALERTS, MARK, severity_rank
from nissa.sinks.text import DASH, Cells, Row, filled_table, name, note, place

__all__ = ["alert_table"]

_SHOWN = 20
_MARKS = {alert.name for alert in ENV_ALERTS if alert.severity == MARK}
_STYLES = {"critical": "bold red", "warning": "yellow"}


def alert_table(tables: Mapping[str, Sequence[Row]]) -> Iterator[RenderableType]:
    """What there is to say about the rows of "alerts" and "traces"; nothing if there are none. Marks are no alerts."""
    alerts = sorted((row for row in tables["alerts"] if row["severity"] != MARK), key=_rank)
    if alerts:
        left = ("Severity", "Alert", "Where", "State")
        yield filled_table("Alerts", left, (), ("What",), map(_cells, alerts[:_SHOWN]))
    if more := len(alerts[_SHOWN:]):
        yield note(f"{more:,} more: `nissa replay RUN --json` has them all.")
    marks = sum(set(trace["reasons"]) <= _MARKS for trace in tables["traces"])
    if traces := len(tables["traces"]) - marks:
        yield note(f"{traces:,} dense trace{'s' * (traces > 1)} of alerts: `nissa traces RUN` lists them.")
    if marks:
        yield note(f"{marks:,} of turns in the lives of seeds: with --marks.")


def _rank(row: Row) -> tuple[int, bool]:
    """By severity, and those that stand before those that are over; within that, as they came."""
    return -severity_rank(row["severity"]), row["state"] != "stands"


def _cells(row: Row) -> Cells:
    return [
        Text(row["severity"], style=_STYLES.get(row["severity"], "")),
        name(row["alert"]),
        Text(_where(row)),
        row["state"],
        # One line each: what there is no room for is cut.
        Text(row["what"], no_wrap=True, overflow="ellipsis"),
    ]


def _where(row: Row) -> str:
    """A policy has updates instead of epochs."""
    at = place(row["group"], row["env"], row["episode"], row["epoch"], short=True)
    return " ".join([at] * bool(at) + [f"update {row['update']}"] * (row["update"] is not None)) or DASH
