"""Runs that are compared have colours of their own, wherever no other label has one."""

import re
from itertools import combinations
from typing import Any

from tests.grafana.checking import panels

Boards = dict[str, dict[str, Any]]

RUNS = [f"20261121-15{number}" for number in range(8)]
GROUPS = ("ppo", "heuristic", "others")
_WHO = {"run", "group", "instance"}


def colour(panel: dict[str, Any], name: str) -> str | None:
    """The colour of a series, which the last rule that matches gives."""
    found = None
    for rule in panel["fieldConfig"]["overrides"]:
        if re.search(rule["matcher"]["options"].strip("/"), name):
            given = {row["id"]: row["value"] for row in rule["properties"]}
            found = given["color"]["fixedColor"] if "color" in given else found
    return found


def compared(boards: Boards) -> list[tuple[str, dict[str, Any], str]]:
    """Panels over time with legends that tell apart by run and by who told of it alone."""
    return [
        (f"{uid}: {panel['title']}", panel, target["legendFormat"])
        for uid, board in boards.items()
        for panel in panels(board)
        if panel["type"] == "timeseries"
        for target in panel["targets"]
        if "run" in (labels := set(re.findall(r"{{(\w+)}}", target["legendFormat"]))) and labels <= _WHO
    ]


def named(legend: str, **labels: str) -> str:
    """The name of a series."""
    return re.sub(r"{{(\w+)}}", lambda found: labels[found[1]], legend)


def test_lines_of_different_runs_never_share_a_colour(boards: Boards) -> None:
    rows = compared(boards)
    assert len(rows) > 60
    for place, panel, legend in rows:
        colours = [{colour(panel, named(legend, run=run, group=group)) for group in GROUPS} for run in RUNS]
        assert all(None not in own and len(own) == 1 for own in colours), (place, colours)
        assert not [pair for pair in combinations(colours, 2) if pair[0] & pair[1]], (place, colours)


def test_the_run_stands_last_in_every_legend(boards: Boards) -> None:
    """A legend is cut off at its end, and what is shown of a run there is the same in all."""
    for uid, board in boards.items():
        for panel in panels(board):
            for target in panel["targets"]:
                legend = target.get("legendFormat", "")
                assert "{{run}}" not in legend or legend.endswith("{{run}}"), (uid, panel["title"])
                assert "{{group}}" not in legend or legend.endswith("{{group}} {{run}}"), (uid, panel["title"])
