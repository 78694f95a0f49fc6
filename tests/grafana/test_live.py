"""A real Prometheus scrapes a demo while its events come in: every panel, variable and mark has something to show."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nissa.cli.runs.replay import read_run
from nissa.events.event import Event
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.server import MetricsServer
from nissa.sinks.prometheus.sockets import listening
from tests.grafana.checking import panels
from tests.grafana.choices import choices
from tests.grafana.promql import anyway, filled

Boards = dict[str, dict[str, Any]]

NOTHING_TO_SHOW = {
    "Arms": "the demo has one group",
    **dict.fromkeys(("GPU memory", "GPUs", "Memory of GPUs", "Power of GPUs"), "there is no GPU"),
    "Two baselines, and size": "in so short a demo no host alone of its three widths is as accurate as what is kept",
    "Delay of fidelity": "the demo's fidelity never changes",
    "Firing": "this Prometheus has no rules loaded",
}
"""Panels that the demo has nothing for, and why."""
PARTS = 12
"""In how many parts the demo's events come in, with a scrape after each."""


class Served(NamedTuple):
    """What Prometheus scraped, from when to when, as which instance, and when the demo began."""

    prometheus: Any
    instance: str
    start: float
    end: float
    began: float

    def series(self, expr: str) -> list[dict[str, Any]]:
        """Labels and values of what an expression gives over the time."""
        text = filled(expr, instance=re.escape(self.instance).replace("\\", "\\\\"), __rate_interval="5s")
        text = text.replace('run=~".*"', f'run=~".*", instance="{self.instance}"')
        # Seconds are counted from the last scrape that worked, so that there is a point for it.
        start = self.end - int(self.end - self.start)
        asked = {"start": f"{start:.3f}", "end": f"{self.end:.3f}", "step": "1"}
        rows = self.prometheus.get("query_range", query=text, **asked)
        return list(rows["result"])


@pytest.fixture(scope="module")
def serving() -> Iterator[Callable[[], tuple[PrometheusSink, MetricsServer]]]:
    """Starts a sink behind /metrics."""
    servers = []

    def start() -> tuple[PrometheusSink, MetricsServer]:
        sink = PrometheusSink(grace=math.inf)
        servers.append(MetricsServer(sink, listening("127.0.0.1", 0)))
        servers[-1].start()
        return sink, servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def watched(demo: Path, prometheus: Any, serving: Any) -> Served:
    """A demo that was scraped while its events came in, faster than they did."""
    events: list[Event[Any]] = []
    read_run(demo, events.append)
    sink, server = serving()
    sink(events[0])
    instance = prometheus.scrape(server.url)
    start = end = prometheus.scraped(instance)
    for n, event in enumerate(events[1:], start=1):
        sink(event)
        if n * PARTS // len(events) < (n + 1) * PARTS // len(events):
            end = prometheus.scraped(instance)
    return Served(prometheus, instance, start, end, events[0].time)


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
