"""Six hours in which a demo ran twice on one port, as a real Prometheus remembers them; time begins at 0."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.grafana.checking import panels
from tests.grafana.columns import head_of
from tests.grafana.history import History, blocks, history
from tests.grafana.process import scrapes
from tests.grafana.promql import filled
from tests.grafana.stretched import Run, laid_out

__all__ = ["END", "WINDOW", "Past", "graphs", "lived"]

END = 6 * 3600.0
WINDOW = 60
"""What Grafana makes of $__rate_interval in seconds: four scrapes, as long as a point is no wider than three."""

Series = list[tuple[dict[str, str], list[tuple[float, float]]]]
"""Labels, and times with values."""


@dataclass(repr=False)
class Past:
    """Two runs and what was scraped of them, behind a server once `prometheus` is set."""

    runs: list[Run]
    told: History
    boards: dict[str, dict[str, Any]]
    prometheus: Any = None

    def panel(self, place: str) -> dict[str, Any]:
        """By `dashboard: title`."""
        uid, title = place.split(": ", 1)
        (panel,) = [panel for panel in panels(self.boards[f"nissa-{uid}"]) if panel["title"] == title]
        return panel

    def series(self, expr: str, hours: float = 6.0, step: int = 30, window: float = WINDOW) -> Series:
        """What an expression gives over the last hours, with `window` seconds for $__rate_interval."""
        text = filled(expr, __rate_interval=f"{window:.0f}s")
        asked = {"start": str(END - 3600 * hours), "end": str(END), "step": str(step)}
        rows = self.prometheus.get("query_range", query=text, **asked)["result"]
        return [(row["metric"], [(at, float(value)) for at, value in row["values"]]) for row in rows]

    def column(self, place: str, title: str, *by: str, at: float = END) -> dict[tuple[str, ...], float]:
        """A column of a table then, of all the time before, by labels of its rows."""
        panel = self.panel(place)
        (target,) = [target for target in panel["targets"] if head_of(panel, target) == title]
        asked = filled(target["expr"], __range=f"{at:.0f}s")
        rows = self.prometheus.get("query", query=asked, time=str(at))["result"]
        return {tuple(row["metric"][name] for name in by): float(row["value"][1]) for row in rows}


def graphs(past: Past) -> Iterator[tuple[str, list[str]]]:
    """Panels over time with what they ask; alerts that fire are of a server that judges, as this one does not."""
    for uid, board in past.boards.items():
        for panel in panels(board):
            asked = [target["expr"] for target in panel["targets"]]
            if panel["type"] != "table" and "ALERTS" not in "".join(asked):
                yield f"{uid.removeprefix('nissa-')}: {panel['title']}", asked


def lived(demo: Path, boards: dict[str, dict[str, Any]], data: Path) -> Past:
    """The past, with its database in a directory."""
    runs = laid_out([demo, demo], 0.0, END)
    told = history(scrapes(runs, 0.0, END))
    blocks(told, data)
    return Past(runs, told, boards)
