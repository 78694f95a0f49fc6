"""`nissa show` of a job's folder: a row for each rank, and what was noticed; `nissa collect` works one off."""

import os
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from nissa.cli.main import main
from nissa.events.event import Event, Scope
from nissa.events.kinds import RunResumed
from nissa.sinks.run_log import RunLog, lock
from tests.operators.ranks.jobs import job

Capture = pytest.CaptureFixture[str]


def left_behind(folder: Path, **how: object) -> Path:
    """The runs of the ranks of a job that nobody compared."""
    for rank, events in job(3, epochs=1, steps=20, **how).items():  # type: ignore[arg-type]
        log = RunLog(folder / f"rank-{rank}")
        for event in events:
            log(event)
        log.close()
    return folder


def said(capsys: Capture, *words: object) -> list[str]:
    assert main([str(word) for word in words]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def straggling(tmp_path: Path, capsys: Capture) -> Path:
    folder = left_behind(tmp_path / "x", work=lambda rank, step: 0.4 if rank == 1 else None)
    assert said(capsys, "collect", folder)[-1].endswith("3 of 3 ranks, ended; 8 events.")
    return folder


def test_a_job_is_told_by_rank_and_as_a_whole(straggling: Path, capsys: Capture) -> None:
    told = said(capsys, "show", straggling)
    assert told[0] == "Job x: 3 ranks, completed after 2 s, 20 steps compared."
    head, *rows = (line.split() for line in told[2:7] if not line.startswith("─"))
    assert " ".join(head) == "rank steps samples loss grad norm s a step own s loading noticed"
    assert [row[:3] for row in rows[:3]] == [["0", "20", "160"], ["1", "20", "180"], ["2", "20", "200"]]
    assert [row[-1] for row in rows[:3]] == ["5%", "rank_straggler", "5%"]
    assert rows[1][6] == "0.405"
    assert told[-1].startswith("env 0 epoch 1: rank 1 holds the others up: own work took 0.4 s, and 0.0")


def test_where_all_is_well_it_says_so(tmp_path: Path, capsys: Capture) -> None:
    said(capsys, "collect", left_behind(tmp_path / "x"))
    told = said(capsys, "show", tmp_path / "x")
    assert told[-1] == "Nothing was noticed of any rank."
    assert "noticed" not in told[2]


def killed(folder: Path, *ranks: int) -> None:
    """As after `kill -9`: no end in the log, no log that was closed."""
    for rank in ranks:
        (segment,) = (folder / f"rank-{rank}").glob("events-*")
        segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-1]))
        manifest = segment.parent / "manifest.json"
        manifest.write_text(manifest.read_text().replace("true", "false"))
        os.utime(segment, (1.0, 1.0))


def test_ranks_that_were_killed_are_named(tmp_path: Path, capsys: Capture) -> None:
    killed(left_behind(tmp_path / "x"), 0, 2)
    with patch("nissa.pipeline.jobs.collected_job._QUIET", 0.0):
        assert said(capsys, "collect", tmp_path / "x")[-1].endswith("3 of 3 ranks, ranks 0, 2 told no end; 4 events.")
    told = said(capsys, "show", tmp_path / "x")
    assert told[:3] == [
        "Job x: 3 ranks, not ended, 20 steps compared.",
        "  Died, or killed: ranks 0, 2, of which the log has no end, and nobody writes it any more.",
        "",
    ]
    assert told[-1] == "Nothing else was noticed of any rank."


def test_a_job_that_goes_on_with_fewer_ranks_has_not_ended(tmp_path: Path, capsys: Capture) -> None:
    folder = left_behind(tmp_path / "x")
    said(capsys, "collect", folder)
    told = RunResumed(torn=0, process=1, versions={}, hardware={}, world_size=2)
    for rank in (0, 1):
        log = RunLog(folder / f"rank-{rank}", resume=True)
        begin = [Event(500, 1100.0, Scope(f"x-rank-{rank}"), told)]
        steps = [replace(event, seq=501 + n, time=1101.0 + n) for n, event in enumerate(job(2)[rank][1:-1])]
        for event in begin + steps:
            log(event)
        log.close()
        os.utime(folder / f"rank-{rank}/events-000002.jsonl", (1.0, 1.0))
    with patch("nissa.pipeline.jobs.collected_job._QUIET", 0.0):
        said(capsys, "collect", folder)
    assert said(capsys, "show", folder)[0].startswith("Job x: 2 ranks, not ended, 50 steps compared")


def test_a_rank_that_is_written_still_did_not_die(tmp_path: Path, capsys: Capture) -> None:
    killed(left_behind(tmp_path / "x"), 1)
    with patch("nissa.pipeline.jobs.collected_job._QUIET", 0.0):
        said(capsys, "collect", tmp_path / "x")
    (segment,) = (tmp_path / "x" / "rank-1").glob("events-*")
    with segment.open("ab") as file:
        assert lock(file.fileno())
        assert said(capsys, "show", tmp_path / "x")[1] == ""
    # Somebody on another machine may write it, whose lock is not seen.
    os.utime(segment)
    assert said(capsys, "show", tmp_path / "x")[1] == ""


def test_its_events_are_those_of_its_own_run(straggling: Path, capsys: Capture) -> None:
    (line,) = said(capsys, "show", straggling, "--kind", "alert_raised")
    assert "rank 1 own work" in line
    assert '"world_size": 3' in "".join(said(capsys, "show", straggling, "--json"))


def test_a_job_that_nobody_compared_says_who_does(tmp_path: Path, capsys: Capture) -> None:
    folder = left_behind(tmp_path / "x")
    assert main(["show", str(folder)]) == 2
    assert f"`nissa collect {folder}`" in capsys.readouterr().err


def test_collecting_again_writes_nothing_twice(straggling: Path, capsys: Capture) -> None:
    before = said(capsys, "show", straggling)
    said(capsys, "collect", straggling)
    assert said(capsys, "show", straggling) == before
