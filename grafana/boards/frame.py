"""From sections of panels to a dashboard: rows, places in the grid, ids, variables, marks and links.

Places and ids are given here, because the SDK gives panels no id, all rows the same one, and may place a panel beyond
the right edge.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType

from nissa.grafana.boards.annotations import annotations
from nissa.grafana.boards.variables import variables

__all__ = ["WIDTH", "Sections", "dashboard", "written"]

WIDTH = 24
"""Columns of the grid."""

Sections = Mapping[str, Sequence[Any]]
"""Panels by the title of their row."""

_USED = re.compile(r"\$(run|group|env|blueprint|instance)\b")


def dashboard(uid: str, title: str, text: str, sections: Sections) -> dict[str, Any]:
    """One dashboard as Grafana's JSON."""
    panels = [panel for panels in sections.values() for panel in panels]
    names = set(_USED.findall(json.dumps([panel.build() for panel in panels], cls=JSONEncoder)))
    # The marks are limited to what these choose.
    names |= {"run", "group", "env", "blueprint"}
    board = Dashboard(title).uid(uid).description(text).tags(["nissa"]).readonly().timezone("browser")
    board.time("now-1h", "now").refresh("10s").tooltip(DashboardCursorSync.CROSSHAIR)
    board.variables(variables(sorted(names))).annotations(annotations()).links([_siblings()])
    document: dict[str, Any] = json.loads(json.dumps(board.build(), cls=JSONEncoder))
    return document | {"panels": _placed(sections), "version": 1}


def written(document: Mapping[str, Any]) -> str:
    """The text of the file."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _siblings() -> DashboardLink:
    """The other dashboards, with the same time and variables."""
    link = DashboardLink("Nissa").type(DashboardLinkType.DASHBOARDS).tags(["nissa"])
    return link.as_dropdown(False).include_vars(True).keep_time(True)


def _placed(sections: Sections) -> list[dict[str, Any]]:
    """Rows and panels from left to right and from top to bottom, numbered from 1."""
    found: list[dict[str, Any]] = []
    bottom = 0
    for title, panels in sections.items():
        found.append(_plain(Row(title)) | {"gridPos": {"x": 0, "y": bottom, "w": WIDTH, "h": 1}})
        bottom = _fill(found, [_plain(panel) for panel in panels], bottom + 1)
    return [panel | {"id": number} for number, panel in enumerate(found, start=1)]


def _fill(found: list[dict[str, Any]], panels: Sequence[dict[str, Any]], top: int) -> int:
    """Place the panels of a section from `top` down; returns where the next may begin."""
    x, height = 0, 0
    for panel in panels:
        size = panel["gridPos"]
        if x + size["w"] > WIDTH:
            x, top, height = 0, top + height, 0
        found.append(panel | {"gridPos": {**size, "x": x, "y": top}})
        x, height = x + size["w"], max(height, size["h"])
    return top + height


def _plain(panel: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(panel.build(), cls=JSONEncoder))
    return document
