"""`nissa backfill`: a Prometheus that never scraped a run answers for each moment of it as if it had."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.cli.runs.replay import read_run
from nissa.events.codec import encode
from nissa.events.event import Event, Scope
from nissa.events.kinds import EpochCompleted, PhaseTimed, SeedFossilized
from nissa.sinks.prometheus.backfill import Backfill
from nissa.sinks.run_log import segments
from tests.prometheus import Prometheus
from tests.samples import episode_started, epoch_completed
from tests.sinks.test_run_log import written

Events = list[Event[Any]]
EVERY = 2
LENGTH = 61.0
"""Seconds of the run."""


@pytest.fixture(scope="module")
def run(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, as if its events had come evenly: how fast it was, and when, is as may be."""
    told, log = list[Event[Any]](), tmp_path_factory.mktemp("even") / "run.jsonl"
    read_run(demo, told.append)
    start, pace = told[0].time, LENGTH / told[-1].seq
    log.write_bytes(b"".join(encode(replace(event, time=start + pace * event.seq)) for event in told))
    return log


@pytest.fixture(scope="module")
def events(run: Path) -> Events:
    found: Events = []
    read_run(run, found.append)
    return found


@pytest.fixture(scope="module")
def past(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus on blocks of the run alone, which shows no value for longer than it was written."""
    if shutil.which("promtool") is None:
        pytest.skip("no promtool on this machine: apt-get install prometheus")
    folder = tmp_path_factory.mktemp("backfill")
    assert main(["backfill", str(run), str(folder / "run.om"), "--every", str(EVERY)]) == 0
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "run.om", "data"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    server = Prometheus(folder, lookback=f"{EVERY}s")
    try:
        server.wait(lambda: server.query("vector(1)"))
        yield server
    finally:
        server.stop()


def seen(past: Prometheus, events: Events, promql: str) -> list[tuple[float, float | None]]:
    """What is answered at each moment that was written."""
    start = events[0].time
    times = [start + n * EVERY for n in range(int((events[-1].time - start) / EVERY) + 1)]
    answers = [past.get("query", query=promql, time=f"{at:.3f}")["result"] for at in times]
    return [(at, float(rows[0]["value"][1]) if rows else None) for at, rows in zip(times, answers, strict=True)]


def test_a_gauge_is_what_was_measured_last_by_then(past: Prometheus, events: Events) -> None:
    epochs = [e for e in events if type(e.payload) is EpochCompleted and e.scope.env == 1 and not e.scope.episode]
    last = max(event.time for event in epochs)
    found = [row for row in seen(past, events, 'nissa_val_accuracy_ratio{env="1"}') if row[0] <= last]
    for at, value in found:
        before = [event.payload.val_accuracy for event in epochs if event.time <= at]
        assert value == (pytest.approx(before[-1] / 100) if before else None)
    assert len({value for _, value in found}) > 5


@pytest.mark.parametrize(
    ("promql", "counts"),
    [
        ("sum(nissa_epochs_total)", lambda event: type(event.payload) is EpochCompleted),
        ("sum(nissa_seeds_fossilized_total)", lambda event: type(event.payload) is SeedFossilized),
        (
            'nissa_phase_duration_seconds_count{phase="train"}',
            lambda event: type(event.payload) is PhaseTimed and "train" in event.payload.durations,
        ),
    ],
    ids=["epochs", "fossils", "a histogram"],
)
def test_a_count_is_what_had_happened_by_then(
    promql: str, counts: Callable[[Event[Any]], bool], past: Prometheus, events: Events
) -> None:
    counted = [event.time for event in events if counts(event)]
    found = seen(past, events, promql)
    assert [value or 0 for _, value in found] == [sum(time <= at for time in counted) for at, _ in found]
    assert found[-1][1]


def test_the_last_moment_has_the_last_values(past: Prometheus, events: Events) -> None:
    (row,) = past.get("query", query="nissa_run_ended_timestamp_seconds", time=f"{events[-1].time:.3f}")["result"]
    assert row["metric"]["job"] == "nissa"
    assert row["metric"]["instance"] == row["metric"]["run"] == events[0].scope.run


def test_a_recorded_run_is_not_alive(past: Prometheus) -> None:
    names = past.get("label/__name__/values")
    assert "nissa_run_started_timestamp_seconds" in names
    assert not {"nissa_run_last_event_timestamp_seconds", "nissa_run_heartbeat_timestamp_seconds"} & set(names)


def test_names_with_quotes_and_lines_in_them_are_written_as_openmetrics_says() -> None:
    backfill = Backfill(10)
    for n, payload in enumerate((episode_started(), epoch_completed(50.0))):
        backfill(Event(n, 100.0 + n, Scope('a "b"\\c\nd', "ppo", 0, 0, 1), payload))
    (line,) = [line for line in backfill.lines() if line.startswith("nissa_val_accuracy_ratio{")]
    assert r'run="a \"b\"\\c\nd"' in line
    assert line.endswith("} 0.5 101.000\n")


def test_of_each_millisecond_there_is_one_value() -> None:
    backfill = Backfill(10)
    for at, payload in ((100.0, episode_started()), (103.0, epoch_completed(50.0)), (110.0003, epoch_completed(75.0))):
        backfill(Event(0, at, Scope("run", "ppo", 0, 0, 1), payload))
    told = [line.split()[1:] for line in backfill.lines() if line.startswith("nissa_val_accuracy_ratio{")]
    assert told == [["0.5", "110.000"], ["0.75", "110.001"]]


def test_of_nothing_there_is_nothing_to_tell() -> None:
    assert list(Backfill(1).lines()) == ["# EOF\n"]


def test_a_file_that_cannot_be_written_is_said_in_one_line(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backfill", str(demo), str(demo / "no" / "run.om")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("nissa backfill: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("file", ["run/events-000001.jsonl", "run/past.om", "run/../run/manifest.json", "link", "hard"])
@pytest.mark.parametrize("path", ["run", "run/events-000001.jsonl"])
def test_nothing_is_written_into_the_run_that_is_read(
    tmp_path: Path, path: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    segment = segments(written(tmp_path / "run", 5))[0]
    (tmp_path / "link").symlink_to(segment)
    (tmp_path / "hard").hardlink_to(segment)
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    assert main(["backfill", str(tmp_path / path), str(tmp_path / file)]) == 2
    assert "belongs to the run that is read" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()} == before


def test_a_file_beside_a_log_is_written(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(segments(written(tmp_path / "run", 5))[0].read_bytes())
    assert main(["backfill", str(log), str(tmp_path / "log.om")]) == 0
    assert (tmp_path / "log.om").read_text().endswith("# EOF\n")
