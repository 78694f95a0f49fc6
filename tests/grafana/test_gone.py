"""Trainers that died, ended, or compute NaN, made by hand: what the panels say of them."""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.grafana.checking import panels
from tests.grafana.history import History, blocks
from tests.grafana.promql import filled
from tests.prometheus import Prometheus

Boards = dict[str, dict[str, Any]]
Lines = Mapping[str, Sequence[tuple[float, float]]]

BEAT, END = "nissa_run_heartbeat_timestamp_seconds", "nissa_run_ended_timestamp_seconds"
NOW = 3000.0
"""Seconds; all is scraped every ten."""
KILLED, ENDED = 2400.0, 1800.0


def place(run: str, instance: str, more: str = "") -> str:
    """Labels of a series."""
    return f'{{job="nissa",instance="{instance}",run="{run}"{more}}}'


def every(until: float, value: float | None = None) -> list[tuple[float, float]]:
    """A value, or the time, at each scrape until then."""
    return [(at, at if value is None else value) for at in map(float, range(0, int(until) + 1, 10))]


LINES: Lines = {
    # Killed, and its port is silent since.
    BEAT + place("killed", "a:1"): every(KILLED),
    # Ended, and told so until its port was given back.
    BEAT + place("ended", "b:1"): [(at, min(at, ENDED)) for at, _ in every(ENDED + 60)],
    END + place("ended", "b:1", ',outcome="completed"'): [(ENDED + 10 * n, ENDED) for n in range(7)],
    # Ended at one port, and goes on under the same name at another.
    BEAT + place("moved", "c:1"): every(ENDED),
    END + place("moved", "c:1", ',outcome="interrupted"'): [(ENDED, ENDED)],
    BEAT + place("moved", "c:2"): [(at, at - 3) for at, _ in every(NOW)],
    # Begun anew at its port an hour after its end.
    BEAT + place("again", "d:1"): [(at, at - 5) for at, _ in every(NOW)],
    END + place("again", "d:1", ',outcome="completed"'): [(10.0, 10.0)],
    # Two of three environments compute NaN; a broken one is the first of its group.
    **{
        f"nissa_{loss}_loss" + place("broken", "e:1", f',group="ppo",env="{env}"'): every(NOW, value)
        for loss in ("train", "val", "batch")
        for env, value in enumerate((math.nan, 1.0, math.nan))
    },
}


def serving(lines: Lines, directory: Path) -> Iterator[Prometheus]:
    """A server that remembers these lines, until the test is over."""
    told: History = {}
    for text, points in lines.items():
        times, values = (array("d", row) for row in zip(*points, strict=True))
        told.setdefault(text.split("{")[0], {})[text] = (times, values)
    blocks(told, directory / "data")
    server = Prometheus(directory, lookback="20s")
    try:
        server.wait(lambda: server.query("vector(1)"))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It remembers them."""
    yield from serving(LINES, tmp_path_factory.mktemp("gone"))


def asked(server: Prometheus, boards: Boards, where: str, n: int = 0, at: float = NOW, **chosen: str) -> Any:
    """What a panel shows then, by run."""
    uid, title = where.split(": ")
    (panel,) = [panel for panel in panels(boards[f"nissa-{uid}"]) if panel["title"] == title]
    rows = server.get("query", query=filled(panel["targets"][n]["expr"], **chosen), time=str(at))["result"]
    return {row["metric"].get("run", ""): float(row["value"][1]) for row in rows}


def test_of_a_run_that_died_the_heartbeat_rises(server: Prometheus, boards: Boards) -> None:
    assert asked(server, boards, "pipeline: Heartbeat") == {"killed": NOW - KILLED, "moved": 3, "again": 5}
    assert asked(server, boards, "overview: Heartbeat") == {"": NOW - KILLED}


@pytest.mark.parametrize("run", ["killed", "ended"])
def test_what_died_or_ended_does_not_go_on(run: str, server: Prometheus, boards: Boards) -> None:
    assert asked(server, boards, "overview: Runs going on", run=run, at=1000.0) == {"": 1}
    assert asked(server, boards, "overview: Runs going on", run=run) == {"": 0}


def test_of_a_run_that_ended_there_is_no_heartbeat(server: Prometheus, boards: Boards) -> None:
    for at in (ENDED + 10, ENDED + 300, NOW):
        assert asked(server, boards, "overview: Heartbeat", run="ended", at=at) == {}


def test_an_end_elsewhere_or_long_ago_hides_nobody(server: Prometheus, boards: Boards) -> None:
    assert asked(server, boards, "overview: Runs going on") == {"": 2}


def test_runs_that_ended_are_counted_after_their_process_is_gone(server: Prometheus, boards: Boards) -> None:
    (panel,) = [panel for panel in panels(boards["nissa-pipeline"]) if panel["title"] == "Runs ended"]
    rows = server.get("query", query=filled(panel["targets"][0]["expr"]), time=str(NOW))["result"]
    assert {row["metric"]["outcome"]: float(row["value"][1]) for row in rows} == {"completed": 2, "interrupted": 1}


def test_a_process_that_lives_on_does_not_count_an_end_of_before(server: Prometheus, boards: Boards) -> None:
    (panel,) = [panel for panel in panels(boards["nissa-pipeline"]) if panel["title"] == "Runs ended"]
    expr, at = panel["targets"][0]["expr"], ENDED + 60
    for seconds, counted in ((60, 1.0), (59, 0.0)):
        asked = filled(expr, run="ended", __range=f"{seconds}s", __range_s=str(seconds))
        rows = server.get("query", query=asked, time=str(at))["result"]
        assert sum(float(row["value"][1]) for row in rows) == counted


@pytest.mark.parametrize("n", [0, 1, 2])
def test_environments_whose_loss_is_nan_are_counted(n: int, server: Prometheus, boards: Boards) -> None:
    assert asked(server, boards, "network: Broken losses", n) == {"broken": 2}
