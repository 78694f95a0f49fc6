"""A real Prometheus scrapes a demo while its events come in: every panel, variable and mark has something to show."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.runs.replay import read_run
from nissa.events.event import Event
from tests.grafana.checking import panels
from tests.grafana.choices import choices
from tests.grafana.promql import anyway
from tests.grafana.served import Served, served

Boards = dict[str, dict[str, Any]]

_ALONE = "the demo is no job of ranks"
NOTHING_TO_SHOW = {
    "Arms": "the demo has one group",
    **dict.fromkeys(("GPU memory", "GPUs", "Memory of GPUs", "Power of GPUs"), "there is no GPU"),
    "Two baselines, and size": "in so short a demo no host alone of its three widths is as accurate as what is kept",
    "CPU of telemetry": "the demo has no collector beside it",
    "Looks taken": "the demo asks for no overhead",
    "Delay of fidelity": "the demo's fidelity never changes",
    **dict.fromkeys(
        (
            "Own work",
            "Step",
            "Ranks that wait for data",
            "Loss of the ranks",
            "Gradients of the ranks",
            "Alerts against ranks",
        ),
        _ALONE,
    ),
    **dict.fromkeys(("Loss of the job", "Gradient of the job", "Ranks", "Steps compared", "Steps passed over"), _ALONE),
    **dict.fromkeys(("Job", "Unread", "Runs to work off"), "the demo is no cluster's"),
    **dict.fromkeys(("Checkpoints failed", "Job started again"), "the demo is no cluster's"),
    "Firing": "this Prometheus has no rules loaded",
}
"""Panels that the demo has nothing for, and why."""
PARTS = 12
"""In how many parts the demo's events come in, with a scrape after each."""


@pytest.fixture(scope="module")
def watched(demo: Path, prometheus: Any) -> Iterator[Served]:
    """A demo that was scraped while its events came in."""
    events: list[Event[Any]] = []
    read_run(demo, events.append)
    with served(prometheus, events, PARTS) as found:
        yield found


def test_every_panel_has_something_to_show(watched: Served, boards: Boards) -> None:
    empty = {
        panel["title"]
        for board in boards.values()
        for panel in panels(board)
        if not all(watched.series(anyway(target["expr"])) for target in panel["targets"])
    }
    assert empty == NOTHING_TO_SHOW.keys()


def test_every_name_in_a_legend_is_in_the_result(watched: Served, boards: Boards) -> None:
    for board in boards.values():
        for panel in panels(board):
            for target in panel["targets"]:
                named = set(re.findall(r"{{(\w+)}}", target.get("legendFormat", "")))
                for row in watched.series(target["expr"]):
                    # An alert of the policy has no environment, and an empty label is none.
                    assert named <= row["metric"].keys() | {"env"}, (panel["title"], row["metric"])


@pytest.mark.parametrize(
    ("place", "right", "wrong"),
    [
        ("nissa-slots: Gates shut now", "gate_failure", "gate_failed"),
        ("nissa-overview: Alerts", "critical|warning", "error|warn"),
        ("nissa-overview: Progress", ") * max by (run)", ") * max by (run, instance)"),
        ("nissa-blueprints: Live growth", "nissa_live_growth_ratio", "nissa_grown_ratio"),
    ],
)
def test_a_wrong_name_or_match_would_show_as_an_empty_panel(
    place: str, right: str, wrong: str, watched: Served, boards: Boards
) -> None:
    uid, title = place.split(": ")
    (panel,) = [panel for panel in panels(boards[uid]) if panel["title"] == title]
    expr = panel["targets"][0]["expr"]
    assert right in expr
    assert watched.series(expr)
    assert watched.series(expr.replace(right, wrong)) == []


def test_every_variable_has_values_to_choose_from(watched: Served, boards: Boards) -> None:
    for variable in boards["nissa-pipeline"]["templating"]["list"][1:]:
        assert choices(watched.prometheus, variable), variable["name"]


def test_runs_and_seeds_are_marked(watched: Served, boards: Boards) -> None:
    marks = {mark["name"]: mark["expr"] for mark in boards["nissa-overview"]["annotations"]["list"]}
    # The demo may have no alert: what they would be counted by is there.
    assert all(watched.series(expr.removesuffix(" > 0")) for expr in marks.values())
    found = {name: watched.series(expr) for name, expr in marks.items()}
    assert all(found[name] for name in found if name.startswith(("Runs", "Seeds")))
    started = {float(value) for row in found["Runs start"] for _, value in row["values"]}
    assert list(started) == [pytest.approx(1000 * watched.began, abs=1)], "marked when it was, in milliseconds"


def test_a_stage_is_shown_as_its_place_in_the_list(watched: Served, boards: Boards) -> None:
    (panel,) = [panel for panel in panels(boards["nissa-slots"]) if panel["title"] == "Stages"]
    names = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    shown = {
        (row["metric"]["env"], row["metric"]["slot"], at): names[place]["text"].upper()
        for row in watched.series(panel["targets"][0]["expr"])
        for at, place in row["values"]
    }
    stages = {
        (row["metric"]["env"], row["metric"]["slot"], at): row["metric"]["stage"]
        for row in watched.series('nissa_slot_stage{run=~".*"} == 1')
        for at, _ in row["values"]
    }
    assert shown == stages
    assert len(set(stages.values())) > 3
