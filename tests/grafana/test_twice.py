"""Two processes that tell of one run, as a trainer and a server of its recording do: every panel shows it once."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from nissa.sinks.prometheus.catalog import METRICS
from tests.grafana.history import History, blocks, history
from tests.grafana.meanings import metrics_in
from tests.grafana.process import scrapes
from tests.grafana.promql import filled
from tests.grafana.stretched import Run
from tests.grafana.test_wide import INTERVAL, LENGTH, WINDOW, run, shown
from tests.prometheus import Prometheus

__all__ = ["run"]

Boards = dict[str, dict[str, Any]]
Shown = dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]


def doubled(told: History) -> History:
    """What one process said, said by two."""
    other = ('instance="trainer:9464"', 'instance="server:9470"')
    lines = {name: {text.replace(*other): values for text, values in rows.items()} for name, rows in told.items()}
    return {name: {**told[name], **rows} for name, rows in lines.items()}


@pytest.fixture(scope="module")
def servers(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Prometheus]]:
    """What remembers one process, and what remembers two."""
    told, started = history(scrapes([run], 0.0, LENGTH, INTERVAL)), []
    try:
        for name, lines in (("once", told), ("twice", doubled(told))):
            directory = tmp_path_factory.mktemp(name)
            blocks(lines, directory / "data")
            started.append(Prometheus(directory))
            started[-1].wait(lambda: started[-1].query("vector(1)"))
        yield started[0], started[1]
    finally:
        for server in started:
            server.stop()


def series(server: Prometheus, expr: str) -> Shown:
    """What an expression gives over the second half of the run, by labels."""
    text = filled(expr, __rate_interval=f"{WINDOW}s")
    asked = {"query": text, "start": str(LENGTH / 2), "end": str(LENGTH), "step": str(INTERVAL)}
    rows = server.get("query_range", **asked)["result"]
    return {tuple(sorted(row["metric"].items())): [(at, float(value)) for at, value in row["values"]] for row in rows}


def same(one: Shown, two: Shown) -> bool:
    """Whether both have the same series with the same values; NaN is as NaN."""
    if one.keys() != two.keys() or any(len(one[key]) != len(two[key]) for key in one):
        return False
    pairs = [pair for key in one for pair in zip(one[key], two[key], strict=True)]
    return all(a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b) for (_, a), (_, b) in pairs)


def test_a_run_is_shown_once_whoever_tells_of_it(servers: Any, boards: Boards) -> None:
    of_runs = [
        (place, target["expr"])
        for place, panel in shown(boards)
        for target in panel["targets"]
        if any("run" in METRICS[name].labels for name in metrics_in(target["expr"]))
    ]
    assert len(of_runs) > 100
    differ = {place for place, expr in of_runs if not same(*(series(server, expr) for server in servers))}
    assert differ == set()


@pytest.mark.parametrize(
    "expr",
    [
        "sum by (run) (nissa_epochs_total)",
        "nissa_live_growth_ratio",
        "count by (run) (nissa_run_info)",
        "sum by (run, slot) (nissa_slot_parameters)",
    ],
)
def test_it_would_be_seen_if_it_were_shown_twice(servers: Any, expr: str) -> None:
    assert not same(*(series(server, expr) for server in servers))
