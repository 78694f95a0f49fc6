"""Six hours of a real Prometheus: rates add up to what a plain loop over the log counts, through a restart as well."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nissa.events.event import Event
from nissa.events.kinds import (
    AlertRaised,
    BatchCompleted,
    Heartbeat,
    Payload,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from tests.grafana.history import blocks, history
from tests.grafana.past import END, WINDOW, Past, graphs
from tests.grafana.process import INTERVAL, scrapes
from tests.grafana.stretched import GAP, laid_out
from tests.prometheus import Prometheus

pytestmark = pytest.mark.deep
Key = tuple[str, ...]


class Counted(NamedTuple):
    """What a panel counts, and by which labels."""

    place: str
    labels: Key
    kind: type[Payload]
    per_second: bool = False


SHIPPED = 5.0
"""Seconds from scrape to scrape in grafana/prometheus.yaml."""
PIXELS = 700
"""Points that a panel has room for."""
_OF_SEED = ("run", "group", "blueprint")
COUNTED = [
    Counted("overview: Alerts raised", ("run", "group", "severity"), AlertRaised),
    Counted("blueprints: Seeds germinated", _OF_SEED, SeedGerminated),
    Counted("blueprints: Seeds fossilized", _OF_SEED, SeedFossilized),
    Counted("blueprints: Seeds culled", ("run", "group", "initiator"), SeedCulled),
    Counted("pipeline: Batches", ("run", "group"), BatchCompleted, per_second=True),
]


def label(event: Event[Any], name: str) -> str:
    """Where it happened, or what its payload says."""
    where = event.scope if name in event.scope._fields else event.payload
    return str(getattr(where, name))


@pytest.mark.parametrize("counted", COUNTED, ids=[counted.place for counted in COUNTED])
def test_a_rate_adds_up_to_what_happened(past: Past, counted: Counted) -> None:
    happened, late = Counter[Key](), Counter[Key]()
    for run in past.runs:
        for event in (event for event in run if type(event.payload) is counted.kind):
            key = tuple(label(event, name) for name in counted.labels)
            happened[key] += 1
            late[key] += event.time > run[-1].time - WINDOW
    assert happened
    # A window that a run ends in has fewer scrapes: Prometheus stretches what it saw in them, or leaves it out.
    expected = {key: pytest.approx(n, rel=0.02, abs=late[key] / 2) for key, n in happened.items()}
    assert added_up(past, counted) == expected


def added_up(past: Past, counted: Counted, step: int = 30) -> dict[Key, float]:
    """The panel's points over all the time; each covers WINDOW seconds, and there is one every `step`."""
    expr = past.panel(counted.place)["targets"][0]["expr"]
    share = step if counted.per_second else step / WINDOW
    found = {
        tuple(labels.get(name, "") for name in counted.labels): share * sum(value for _, value in points)
        for labels, points in past.series(expr, step=step)
    }
    return {key: value for key, value in found.items() if value}


@pytest.fixture(scope="module")
def hour(demo: Path, past: Past, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """A demo that took an hour, scraped as often as the configuration that is shipped says."""
    runs = laid_out([demo], END - 3600, END)
    directory = tmp_path_factory.mktemp("hour")
    told = history(scrapes(runs, END - 3600, END, SHIPPED))
    blocks(told, directory / "data")
    found = Past(runs, told, past.boards, Prometheus(directory, lookback="20s"))
    try:
        found.prometheus.wait(lambda: found.prometheus.query("vector(1)"))
        yield found
    finally:
        found.prometheus.stop()


def added(past: Past, counted: Counted, hours: float, interval: float) -> tuple[float, int, int]:
    """Sum over the points of a panel, the same by a plain loop, and what happened while they were scraped.

    Grafana asks for points as wide as the panel says at least, of windows that are wider by a scrape, or of four.
    """
    panel = past.panel(counted.place)
    step = max({"1m": 60}[panel["interval"]], int(3600 * hours / PIXELS))
    window = max(step + interval, 4 * interval)
    assert window <= step + interval
    shown = past.series(panel["targets"][0]["expr"], hours, step, window)
    points = [END - 3600 * hours + n * step for n in range(int(3600 * hours / step) + 1)]
    seen = [event.time for run in past.runs for event in run if type(event.payload) is counted.kind]
    scraped = [time for time in (math.ceil(time / interval) * interval for time in seen) if time > points[0] - window]
    looped = sum(point - window < time <= point for time in scraped for point in points)
    return sum(value for _, values in shown for _, value in values), looped, len(scraped)


each_increase = pytest.mark.parametrize(
    "counted", [row for row in COUNTED if not row.per_second], ids=lambda row: row.place
)


@each_increase
def test_the_points_of_a_panel_show_what_happened_once_but_for_a_scrape_in_common(hour: Past, counted: Counted) -> None:
    shown, looped, happened = added(hour, counted, 1.0, SHIPPED)
    assert shown == pytest.approx(looped)
    assert 0 < happened <= looped


@each_increase
def test_of_longer_intervals_nothing_is_in_more_than_two_points(past: Past, counted: Counted) -> None:
    # The second run: what happens in the last minute of a run that ends is stretched to the end of its window.
    shown, looped, happened = added(past, counted, 2.9, INTERVAL)
    assert shown == pytest.approx(looped)
    assert 0 < happened <= looped <= 2 * happened


def test_a_restart_on_the_same_port_neither_loses_nor_invents_events(past: Past) -> None:
    accepted, delivered = (target["expr"] for target in past.panel("pipeline: Accepted and delivered")["targets"])
    told = [event for run in past.runs for event in run if type(event.payload) is not Heartbeat]
    emitted = [event.time for event in told if not event.ordinal]
    ((_, rates),) = past.series(accepted)
    assert 30 * sum(rate for _, rate in rates) == pytest.approx(len(emitted), rel=0.02)
    spans = range(0, int(END), int(INTERVAL))
    fullest = max(sum(start <= time < start + WINDOW + INTERVAL for time in emitted) for start in spans)
    assert 0 < max(rate for _, rate in rates) <= fullest / WINDOW
    ((_, same),) = past.series(delivered)
    assert [rate for _, rate in same] == pytest.approx([rate for _, rate in rates])


def test_nobody_answers_between_two_runs(past: Past) -> None:
    ((_, up),) = past.series("up", step=int(INTERVAL))
    assert INTERVAL * sum(not value for _, value in up) == pytest.approx(GAP, abs=2 * INTERVAL)


def test_nothing_that_is_counted_ever_falls(past: Past) -> None:
    for place, asked in graphs(past):
        for expr in asked:
            if ("rate(" in expr or "increase(" in expr) and " - " not in expr:
                assert all(value >= 0 or math.isnan(value) for _, points in past.series(expr) for _, value in points), (
                    place
                )
