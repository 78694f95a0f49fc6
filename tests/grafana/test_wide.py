"""Sixty-four environments in each of two groups, with the events of a real demo: every panel can still be read."""

import math
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nissa.events.event import Event
from nissa.events.kinds import BatchCompleted, BlueprintSummarized, GradientsMeasured
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from tests.grafana.checking import panels
from tests.grafana.history import blocks, history
from tests.grafana.process import scrapes
from tests.grafana.promql import anyway, filled
from tests.grafana.stretched import Run, laid_out
from tests.grafana.test_live import NOTHING_TO_SHOW
from tests.prometheus import Prometheus

Boards = dict[str, dict[str, Any]]

ENVS, GROUPS = 64, ("ppo", "heuristic")
LENGTH, INTERVAL = 240.0, 60.0
"""Seconds of the run, and from scrape to scrape."""
WINDOW = 240
"""$__rate_interval."""
PAGED = ("state-timeline", "status-history")
"""Panels with a row for each series, that are turned over page by page."""
READABLE = {"timeseries": 12, "stat": 8, "bargauge": 16}
"""How many series of two groups a person can tell apart, by the type of the panel; of others, sixteen."""


class Scraped:
    """What a server remembers of a run."""

    def __init__(self, run: Run, directory: Path, interval: float = INTERVAL) -> None:
        blocks(history(scrapes([run], 0.0, LENGTH, interval)), directory / "data")
        self.prometheus = Prometheus(directory)

    def series(self, expr: str, start: float = LENGTH / 2, step: float = INTERVAL) -> list[Any]:
        """What an expression gives over the second half of the run, or from `start`."""
        text = filled(expr, __rate_interval=f"{WINDOW}s")
        asked = {"query": text, "start": str(start), "end": str(LENGTH), "step": str(step)}
        return list(self.prometheus.get("query_range", **asked)["result"])

    def counts(self, panel: dict[str, Any]) -> list[int]:
        """How many series each query of a panel gives; of a table, how many rows."""
        return [len(self.series(target["expr"])) for target in panel["targets"]]

    def fills(self, panel: dict[str, Any]) -> bool:
        """Whether each of its queries has something to show in the whole run, be it 0."""
        return all(self.series(anyway(target["expr"]), 0, 10) for target in panel["targets"])


def widened(run: Run, envs: int = ENVS, groups: Sequence[str] = GROUPS) -> Run:
    """The run of two environments as one of many, most of its batches left out."""
    kept = [event for n, event in enumerate(run) if not _of_batch(event) or n % 20 == 0]
    return [copy for event in kept for copy in _copies(event, envs, groups)]


def _of_batch(event: Event[Any]) -> bool:
    return type(event.payload) in (BatchCompleted, GradientsMeasured)


def _copies(event: Event[Any], envs: int, groups: Sequence[str]) -> Iterator[Event[Any]]:
    env, group = event.scope.env, event.scope.group
    for name in groups if group else (None,):
        payload = event.payload
        if isinstance(payload, BlueprintSummarized):
            payload = replace(payload, group=name)
        for copy in range(int(env), envs, 2) if env is not None else (None,):
            yield replace(event, scope=event.scope._replace(group=name, env=copy), payload=payload)


def alone(run: Run) -> Run:
    """The run without all environments but the first."""
    return [event for event in run if event.scope.env in (None, 0)]


@pytest.fixture(scope="module")
def run(demo: Path) -> Run:
    """A demo of two environments, in a few minutes."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on this machine: apt-get install prometheus")
    (told,) = laid_out([demo], 0.0, LENGTH)
    return told


@pytest.fixture(scope="module")
def wide(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """Of many environments."""
    yield from _served(Scraped(widened(run), tmp_path_factory.mktemp("wide")))


@pytest.fixture(scope="module")
def narrow(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """Of one environment."""
    yield from _served(Scraped(alone(run), tmp_path_factory.mktemp("narrow"), 10.0))


def _served(scraped: Scraped) -> Iterator[Scraped]:
    try:
        scraped.prometheus.wait(lambda: scraped.prometheus.query("vector(1)"))
        yield scraped
    finally:
        scraped.prometheus.stop()


def shown(boards: Boards) -> list[tuple[str, dict[str, Any]]]:
    """All panels with their places; but alerts that fire are of a server that judges rules, as these do not."""
    return [
        (f"{uid}: {panel['title']}", panel)
        for uid, board in boards.items()
        for panel in panels(board)
        if not any("ALERTS" in target["expr"] for target in panel["targets"])
    ]


@pytest.mark.deep
def test_what_is_no_table_shows_no_more_than_one_can_read(wide: Scraped, boards: Boards) -> None:
    crowded, counts = {}, {}
    for place, panel in shown(boards):
        if panel["type"] not in (*PAGED, "table"):
            counts[place] = count = sum(wide.counts(panel))
            if count > READABLE.get(panel["type"], 16):
                crowded[f"{place} ({panel['type']})"] = count
    assert counts["nissa-overview: Validation accuracy"] == 3 * len(GROUPS)
    assert not crowded, crowded


def test_what_has_a_row_for_each_series_is_turned_over_page_by_page(boards: Boards) -> None:
    paged = [panel for _, panel in shown(boards) if panel["type"] in PAGED]
    assert paged
    assert all(0 < panel["options"]["perPage"] <= 24 for panel in paged)


@pytest.mark.deep
def test_a_table_of_environments_has_a_row_for_each(wide: Scraped, boards: Boards) -> None:
    tables = [panel for _, panel in shown(boards) if panel["type"] == "table"]
    counts = {panel["title"]: wide.counts(panel) for panel in tables if "group, env)" in panel["targets"][0]["expr"]}
    assert counts
    assert {title: max(rows) for title, rows in counts.items()} == dict.fromkeys(counts, ENVS * len(GROUPS))


def crowded(run: Run, envs: int) -> tuple[float, set[str]]:
    """How often a label set was refused in as many environments of one group, and the metrics that have no room."""
    sink = PrometheusSink(grace=math.inf)
    for event in widened(run, envs, GROUPS[:1]):
        sink(event)
    # What a scrape left out is in the account of the next one.
    list(sink.collect())
    told = {family.name: family.samples for family in sink.collect()}
    (refused,) = told["nissa_label_sets_refused"]
    return refused.value, {name for name, samples in told.items() if len(samples) == MAX_LABEL_SETS}


@pytest.mark.deep
def test_environments_find_room_as_the_page_of_metrics_says(run: Run, root: Path) -> None:
    room = (root / "docs/metrics.md").read_text().split("has room for")[1]
    stages, percentiles = (int(number) for number in re.findall(r"\bwith (\d+)", room)[:2])
    assert stages * 10 * 3 <= MAX_LABEL_SETS < (stages + 1) * 10 * 3
    assert percentiles * 8 * 7 <= MAX_LABEL_SETS < (percentiles + 1) * 8 * 7
    layers = max(len(event.payload.layers) for event in run if type(event.payload) is GradientsMeasured)
    assert crowded(run, MAX_LABEL_SETS // (layers * 7)) == (0, set())
    refused, full = crowded(run, 2 * ENVS)
    assert refused > 0
    assert full
    assert crowded(run, ENVS)[1] <= {"nissa_layer_grad_element"}, "stages, of three slots, still find room"


@pytest.mark.deep
def test_one_environment_leaves_nothing_empty_that_two_fill(narrow: Scraped, boards: Boards) -> None:
    empty = {panel["title"] for _, panel in shown(boards) if not narrow.fills(panel)}
    # The run goes on.
    assert empty <= {*NOTHING_TO_SHOW, "Runs ended"}
