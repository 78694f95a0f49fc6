"""`nissa serve`: a recorded run is shown until it is stopped, and does not pass for one that is alive."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nissa.cli.runs.replay import read_run
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.metrics.run import LIVENESS
from tests.samples import episode_started, epoch_completed, run_started
from tests.waiting import LIMIT

Served = dict[str, list[tuple[dict[str, str], float]]]


@contextmanager
def serving(path: Path) -> Iterator[str]:
    """The page, from a process that Ctrl-C ends."""
    # What a shell runs in the background ignores Ctrl-C, and so would this child.
    heed = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from nissa.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "serve", str(path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            url = next(word for word in said.replace(";", " ").split() if word.startswith("http"))
            with urllib.request.urlopen(url, timeout=LIMIT) as answer:
                yield answer.read().decode()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=LIMIT) == 130
        finally:
            process.kill()


def samples(page: str) -> Served:
    found: Served = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A run whose log ends before its end was told."""
    with Telemetry("killed", out=tmp_path / "run") as telemetry:
        telemetry.emit(run_started())
        env = telemetry.scope(group="ppo", env=0, episode=0, epoch=1)
        env.emit(episode_started())
        env.emit(epoch_completed(91.25))
        telemetry.flush(LIMIT)
    (segment,) = (tmp_path / "run").glob("events-*")
    lines = segment.read_text().splitlines(keepends=True)
    whole = [line for line in lines if json.loads(line)["kind"] != "run_ended"]
    assert len(whole) == len(lines) - 1
    segment.write_text("".join(whole))
    return tmp_path / "run"


def test_a_run_that_was_killed_is_shown_and_does_not_pass_for_one_that_is_alive(killed: Path) -> None:
    with serving(killed) as page:
        shown = samples(page)
    assert [value for _, value in shown["nissa_val_accuracy_ratio"]] == [0.9125]
    assert [labels["run"] for labels, _ in shown["nissa_run_info"]] == ["killed"]
    assert "nissa_run_ended_timestamp_seconds" not in shown
    assert shown.keys().isdisjoint(LIVENESS)
    assert shown["nissa_pipeline_accepted_total"] == [({}, 4.0)], "its last heartbeat told it"


def test_a_log_without_heartbeats_says_nothing_of_a_pipeline(root: Path) -> None:
    with serving(root / "tests/pipeline/sources/esper/esper_excerpt.jsonl") as page:
        shown = samples(page)
    assert shown["nissa_val_accuracy_ratio"]
    assert shown["nissa_run_info"]
    assert shown.keys().isdisjoint(LIVENESS)
    assert not [name for name in shown if name.startswith(("nissa_pipeline_", "nissa_sink_"))]


def test_the_same_events_live_say_that_the_run_is_alive(killed: Path) -> None:
    """Without it the test above would pass for metrics of any other name."""
    live = PrometheusSink()
    read_run(killed, live)
    told = {sample.name for family in live.collect() for sample in family.samples}
    assert told >= set(LIVENESS)
