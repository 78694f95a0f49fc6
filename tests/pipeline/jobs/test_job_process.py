"""Rank 0 has the ranks compared in a process of its own, which is started again when it dies; it serves the metrics."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from nissa.events.kinds import BatchCompleted, RunEnded
from nissa.pipeline.sources import Reading, UnreadableRunError, read_log
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import is_being_written
from tests.addresses import free_address
from tests.waiting import LIMIT, until


def opened(folder: Path, patch: pytest.MonkeyPatch, **how: object) -> list[Telemetry]:
    """Both ranks of a job, in this process."""
    ranks = []
    for rank in (0, 1):
        patch.setenv("RANK", str(rank))
        patch.setenv("WORLD_SIZE", "2")
        ranks.append(Telemetry("x", out=folder, **{"linger": 0.0, **how}))  # type: ignore[arg-type]
    return ranks


def tell(ranks: list[Telemetry], batches: range) -> None:
    for telemetry in ranks:
        for batch in batches:
            telemetry.scope(env=0, epoch=1).emit(BatchCompleted(batch=batch, loss=1.0))
        assert telemetry.flush()


def kinds(folder: Path) -> list[str]:
    return [event.payload.kind for event in read_log(folder / "job", Reading())]


def told(folder: Path) -> int:
    with suppress(UnreadableRunError):
        return len(kinds(folder))
    return 0


def test_it_is_started_again_when_it_dies_and_doubles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = opened(tmp_path, monkeypatch)
    job = ranks[0]._comparing
    assert job
    assert ranks[1]._comparing is None
    tell(ranks, range(11))
    until(lambda: told(tmp_path) == 2)
    os.kill(first := job.pid, signal.SIGKILL)
    tell(ranks, range(11, 21))
    until(lambda: told(tmp_path) == 3)
    assert job.pid != first
    for telemetry in reversed(ranks):
        telemetry.close()
    until(lambda: "run_ended" in kinds(tmp_path))
    assert kinds(tmp_path) == ["run_started", *["ranks_compared"] * 3, "run_ended"]
    assert ranks[0].state().faults == {"job": 1}


def test_one_port_serves_all_ranks_and_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = opened(tmp_path, monkeypatch, metrics=0)
    assert ranks[1].metrics_url is None
    tell(ranks, range(11))
    url = ranks[0].metrics_url
    assert url

    def page() -> str:
        with urlopen(url) as answer:
            return str(answer.read(), "utf-8")

    until(lambda: all(f'nissa_run_last_event_timestamp_seconds{{run="{run}"}}' in page() for run in ("x", "x-rank-1")))
    for telemetry in reversed(ranks):
        telemetry.close()
    until(lambda: "run_ended" in kinds(tmp_path))
    (end,) = [e.payload for e in read_log(tmp_path / "job", Reading()) if isinstance(e.payload, RunEnded)]
    assert end.outcome == "completed"


def test_rank_0_waits_for_no_scrape_of_the_end_while_another_rank_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranks = opened(tmp_path, monkeypatch, metrics=0, linger=1e6)
    tell(ranks, range(11))
    until(lambda: told(tmp_path) == 2)
    ends = threading.Thread(target=ranks[0].close, daemon=True)
    ends.start()
    ends.join(LIMIT)
    assert not ends.is_alive()
    ranks[1].close()
    until(lambda: "run_ended" in kinds(tmp_path))
    os.kill(ranks[0]._comparing.pid, signal.SIGKILL)  # type: ignore[union-attr]  # nobody scrapes the end


KILLED = """
import os, sys
from nissa.pipeline.telemetry import Telemetry
telemetry = Telemetry("x", out=sys.argv[1], metrics=int(sys.argv[2]))
telemetry.flush()
os.kill(os.getpid(), 9)
"""


def test_a_job_that_was_killed_goes_on_at_once_at_the_same_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that compared its ranks outlived them, and had the port for as long as it waited for them."""
    _, port = free_address()
    job = os.environ | {"RANK": "0", "WORLD_SIZE": "2"}
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(port)], env=job, check=False)
    until(lambda: told(tmp_path) == 1)
    ranks = opened(tmp_path, monkeypatch, metrics=port, resume=True)
    tell(ranks, range(11))
    for telemetry in reversed(ranks):
        telemetry.close()
    until(lambda: "run_ended" in kinds(tmp_path))
    assert kinds(tmp_path) == ["run_started", *["ranks_compared"] * 2, "run_ended"]


def test_a_port_that_is_another_programs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError, match="in use"):
        opened(tmp_path, monkeypatch, metrics=other.getsockname()[1], resume=True)


def test_a_directory_that_cannot_be_had_leaves_no_process_and_no_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    (tmp_path / "rank-0").mkdir()
    (tmp_path / "rank-0/events-000001.jsonl").touch()
    with pytest.raises(FileExistsError):
        Telemetry("x", out=tmp_path, metrics=0)
    assert not (tmp_path / "job").exists()


@pytest.mark.parametrize("how", [{}, {"metrics": 0}, {"collector": "process", "console": True}])
def test_where_nobody_can_compare_the_ranks_nothing_of_the_run_is_left_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: dict[str, object]
) -> None:
    (tmp_path / "job").touch()
    threads = threading.active_count()
    with pytest.raises(FileExistsError):
        opened(tmp_path, monkeypatch, **how)
    until(lambda: threading.active_count() == threads)
    until(lambda: not processes(tmp_path))
    assert not is_being_written(tmp_path / "rank-0/events-000001.jsonl")


def processes(folder: Path) -> list[str]:
    """Those that were given something in a folder."""
    told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in told.stdout.splitlines() if f"{folder}/" in line]
