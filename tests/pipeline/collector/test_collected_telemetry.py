"""A `Telemetry` whose work is done in another process answers as one that does it itself."""

import json
import math
import signal
import time
import urllib.request
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from nissa.cli.main import main
from nissa.operators.fold import Fold
from nissa.pipeline.collector import answers
from nissa.pipeline.collector.answers import answer, ask, ends
from nissa.pipeline.replay import replay
from nissa.pipeline.telemetry import Telemetry
from tests.operators.raised import configured
from tests.pipeline.collector.processes import alive, is_free, send
from tests.pipeline.collector.runs import DERIVED, LOG, tell_epoch
from tests.waiting import LIMIT, until

Options = dict[str, Any]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Telemetry]:
    """A run with a collector and metrics, some epochs on."""
    telemetry = Telemetry("run", out=tmp_path / "run", collector="process", metrics=0, linger=0)
    try:
        telemetry.emit(configured(mode="adaptive", dense_budget=1.0))
        for epoch in range(1, 6):
            tell_epoch(telemetry, 0, epoch)
        assert telemetry.flush(LIMIT)
        yield telemetry
    finally:
        telemetry.close(timeout=LIMIT)


def pid_of(telemetry: Telemetry) -> int:
    collector = telemetry._collector
    assert collector
    return collector.pid


def scraped(telemetry: Telemetry) -> str:
    assert telemetry.metrics_url
    with urllib.request.urlopen(telemetry.metrics_url) as reply:
        text: str = reply.read().decode()
    return text


def test_flush_snapshot_state_metrics_and_fidelity_answer_also_after_the_end(live: Telemetry, tmp_path: Path) -> None:
    tables = replay(tmp_path / "run").tables.snapshot()
    assert live.snapshot() == tables
    assert tables["scoreboards"]
    state = live.state()
    assert (state.read, state.unread, state.queued, state.faults) == (state.accepted, 0, 0, {})
    assert [(sink.sink, sink.written, sink.queued) for sink in state.sinks] == [("log", state.accepted, 0)]
    assert 'nissa_seeds_germinated_total{blueprint="norm",env="0",group="ppo",run="run"} 5.0' in scraped(live)
    found = [live.fidelity]
    tell_epoch(live, 0, 6)
    assert live.flush(LIMIT)
    found.append(live.fidelity)
    assert found == ["normal", "dense"]
    assert live.state().fidelity_delay
    live.close(timeout=LIMIT)
    result = replay(tmp_path / "run")
    assert (result.different, result.only_recorded, result.only_computed) == (0, 0, 0)
    assert live.snapshot() == result.tables.snapshot()
    assert live.state().read == result.reading.read
    assert not alive(pid_of(live))
    assert live.metrics_url
    assert is_free(live.metrics_url)


def test_fidelity_by_hand_wins(live: Telemetry) -> None:
    live.fidelity = "normal"
    tell_epoch(live, 0, 6)
    assert live.flush(LIMIT)
    assert live._collector
    assert (live.fidelity, live._collector.control.fidelity) == ("normal", "dense")


def test_numbers_that_are_broken_cross_and_a_question_that_fails_is_told() -> None:
    mine, its = Pipe()
    known: dict[str, Any] = {"numbers": lambda: [math.nan, math.inf, 0.1], "nothing": lambda: "text".index("?")}
    thread = answer(its, known)
    number, *others = ask(mine, "numbers", 1, LIMIT)
    assert math.isnan(number)
    assert others == [math.inf, 0.1]
    with pytest.raises(TimeoutError, match="ValueError"):
        ask(mine, "nothing", 2, LIMIT)
    mine.close()
    thread.join(LIMIT)
    assert not thread.is_alive()
    its.close()


def test_an_answer_that_breaks_off_hangs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_STUCK", 1)
    mine, its = ends()
    its.sendall(b"\0\0\1\0 and no more")
    with pytest.raises(TimeoutError, match="the collector is gone"):
        ask(mine, "numbers", 1, LIMIT)
    assert mine.closed
    its.close()


def test_a_second_collector_is_refused(live: Telemetry, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert live.state()
    assert main(["collect", str(tmp_path / "run")]) == 2
    assert "another process collects this run" in capsys.readouterr().err


def test_a_killed_collector_is_there_again_at_the_same_port_and_told_as_a_fault(
    live: Telemetry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, url = pid_of(live), live.metrics_url
    send(first, signal.SIGKILL)
    until(lambda: pid_of(live) != first)
    tell_epoch(live, 0, 6)
    assert live.flush(LIMIT)
    assert live.metrics_url == url
    assert "nissa_seeds_germinated_total" in scraped(live)
    until(lambda: live._hub.state().faults == {"collector": 1})
    assert live.state().faults == {"collector": 1}
    assert live.fidelity == "dense"
    assert "the collector ended with status -9" in caplog.text
    live.close(timeout=LIMIT)
    result = replay(tmp_path / "run")
    assert (result.different, result.only_recorded, result.only_computed) == (0, 0, 0)


def test_a_collector_that_hangs_keeps_nobody(live: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    send(pid_of(live), signal.SIGSTOP)
    try:
        tell_epoch(live, 0, 6)
        assert not live.flush(0.1)
        with pytest.raises(TimeoutError, match="did not answer"):
            live.snapshot()
        began = time.monotonic()
        live.close(timeout=0.5)
        # Less than any limit of the collector's own would be, and more than a busy machine needs.
        assert time.monotonic() - began < LIMIT
        assert "is behind" in caplog.text
    finally:
        send(pid_of(live), signal.SIGCONT)
    until(lambda: not alive(pid_of(live)))
    assert live.metrics_url
    assert is_free(live.metrics_url)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "a collector reads the log: give `out`"),
        ({"out": "run", "config": {"sinks": {"log": False}}}, "do not switch the log off"),
        ({"out": "run", "sinks": {"mine": print}}, "cannot cross"),
        ({"out": "run", "operators": {"mine": Fold("mine", (), int, lambda *_: ())}}, "cannot cross"),
    ],
)
def test_what_cannot_cross_is_refused_in_a_line(
    options: Options, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=said) as raised:
        Telemetry("run", collector="process", **options)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_any_other_collector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='must be "process" or None'):
        Telemetry("run", out=tmp_path, collector="thread")  # type: ignore[arg-type]


def test_the_stream_is_elsewhere(live: Telemetry) -> None:
    with pytest.raises(RuntimeError, match="in its own process"):
        _ = live.stream


def test_a_run_that_was_killed_goes_on_with_what_it_had(live: Telemetry, tmp_path: Path) -> None:
    tell_epoch(live, 0, 6)
    live.close(timeout=LIMIT)
    # As if it had been killed before its end.
    log = tmp_path / "run" / LOG
    lines = log.read_bytes().splitlines(keepends=True)
    assert [json.loads(line)["kind"] for line in lines[-2:]] == ["heartbeat", "run_ended"]
    log.write_bytes(b"".join(lines[:-2]))
    (tmp_path / "run" / DERIVED).unlink()
    with Telemetry(out=tmp_path / "run", resume=True, collector="process") as again:
        assert again.flush(LIMIT)
        assert again.fidelity == "dense"
        tell_epoch(again, 0, 7)
        assert again.flush(LIMIT)
        assert again.snapshot()["blueprints"][0]["germinated"] == 7
        again.close(timeout=LIMIT)
    result = replay(tmp_path / "run")
    assert (result.different, result.only_recorded, result.only_computed, result.reading.dropped) == (0, 0, 0, 0)
    assert json.loads((tmp_path / "run" / "manifest.json").read_bytes())["whole"]
