"""Six hours of a real Prometheus: panels have something to show, and tables and marks show what the log says."""

import math
from collections import Counter
from typing import Any

import pytest

from nissa.events.kinds import (
    EpisodeEnded,
    EpochCompleted,
    HostBaselineEpoch,
    Payload,
    RunEnded,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from tests.grafana.past import END, WINDOW, Past, graphs
from tests.grafana.process import INTERVAL
from tests.grafana.promql import anyway
from tests.grafana.stretched import GAP
from tests.grafana.test_live import NOTHING_TO_SHOW

pytestmark = pytest.mark.deep
Key = tuple[str, ...]


@pytest.mark.parametrize(("hours", "step"), [(6.0, 30), (1.0, 15)])
def test_every_panel_answers_over_hours(past: Past, hours: float, step: int) -> None:
    empty, broken = set[str](), []
    for place, asked in graphs(past):
        found = [past.series(anyway(expr), hours, step) for expr in asked]
        empty |= set() if all(found) else {place.split(": ", 1)[1]}
        for _, points in (row for rows in found for row in rows):
            assert len(points) <= 3600 * hours / step + 1
            values = [value for _, value in points]
            if all(map(math.isnan, values)) or any(map(math.isinf, values)):
                broken.append(place)
    # The first run ended three hours ago.
    assert empty <= {*NOTHING_TO_SHOW, *(("Runs ended",) if hours < 3 else ())}
    assert Counter(broken) == {}, "an infinity spoils the scale of a panel, and NaN from first to last shows nothing"


LATER = END + 600
"""The second run is gone, too."""


@pytest.mark.parametrize("at", [END, LATER])
def test_the_table_of_environments_has_what_the_logs_said_last(past: Past, at: float) -> None:
    said: dict[str, dict[Key, float]] = {title: {} for title in ("episode", "epoch", "accuracy", "last trained")}
    said |= {"last kept": {}, "host alone": {}, "best": {}}
    twins: dict[tuple[Key, int | None], float] = {}
    peaks: dict[Key, float] = {}
    for event in (event for run in past.runs for event in run):
        key, payload = (event.scope.run, event.scope.group or "", str(event.scope.env)), event.payload
        if isinstance(payload, EpochCompleted):
            said["episode"][key], said["epoch"][key] = event.scope.episode or 0, event.scope.epoch or 0
            said["accuracy"][key] = accuracy = (payload.val_accuracy or math.nan) / 100
            peaks[key] = max(peaks.get(key, 0.0), accuracy)
        elif isinstance(payload, EpisodeEnded):
            said["last trained"][key], said["best"][key] = (payload.final_accuracy or math.nan) / 100, peaks[key]
            said["last kept"][key] = (payload.kept_accuracy or math.nan) / 100
            said["host alone"][key] = twins[key, payload.epochs] / 100
        elif isinstance(payload, HostBaselineEpoch):
            twins[key, event.scope.epoch] = payload.val_accuracy or math.nan
    for title, column in said.items():
        found = past.column("overview: Each environment", title, "run", "group", "env", at=at)
        assert found == pytest.approx(column), title


@pytest.mark.parametrize(
    ("title", "kind"), [("germinated", SeedGerminated), ("fossilized", SeedFossilized), ("culled", SeedCulled)]
)
@pytest.mark.parametrize("at", [END, LATER])
def test_the_table_of_blueprints_counts_what_the_logs_did(
    past: Past, title: str, kind: type[Payload], at: float
) -> None:
    ended = [event for run in past.runs for event in run if type(event.payload) is kind]
    happened = Counter((event.scope.run, event.scope.group, event.payload.blueprint) for event in ended)
    column = past.column("blueprints: Blueprints", title, "run", "group", "blueprint", at=at)
    assert {key: count for key, count in column.items() if count} == happened


def test_runs_are_marked_where_they_began_and_ended(past: Past) -> None:
    found = {
        name: sorted({value / 1000 for _, points in past.series(marked(past, name), step=15) for _, value in points})
        for name in ("Runs start", "Runs end")
    }
    (ended,) = [event.time for event in past.runs[0] if type(event.payload) is RunEnded]
    assert ended == pytest.approx((END - GAP) / 2)
    assert found == {"Runs start": pytest.approx([0.0, ended + GAP]), "Runs end": pytest.approx([ended])}


@pytest.mark.parametrize(
    ("mark", "kind"),
    [("Seeds germinate", SeedGerminated), ("Seeds fossilize", SeedFossilized), ("Seeds are culled", SeedCulled)],
)
def test_a_seed_is_marked_at_the_scrape_that_saw_it(past: Past, mark: str, kind: type[Payload]) -> None:
    seen: dict[Key, set[float]] = {}
    for event in (event for run in past.runs for event in run if type(event.payload) is kind):
        key = (event.scope.run, event.scope.group or "", str(event.scope.env), event.payload.blueprint)
        seen.setdefault(key, set()).add(math.ceil(event.time / INTERVAL) * INTERVAL)
    # Grafana draws one mark for points that follow each other; a seed raises the increase in four of them.
    expected = {key: starts(times, WINDOW) for key, times in seen.items()}
    found = {
        tuple(row[name] for name in ("run", "group", "env", "blueprint")): starts((at for at, _ in points), INTERVAL)
        for row, points in past.series(marked(past, mark), step=15)
    }
    assert found == expected


def marked(past: Past, name: str) -> str:
    marks = past.boards["nissa-overview"]["annotations"]["list"]
    return str(next(mark["expr"] for mark in marks if mark["name"] == name))


def starts(times: Any, gap: float) -> list[float]:
    """The first of each row of times that lie no further apart than `gap`."""
    ordered = sorted(times)
    return [time for before, time in zip([-math.inf, *ordered], ordered, strict=False) if time - before > gap]
