"""The watchdog tells which runs stand still, and what the manager says of the job; what it cannot read ends nothing."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nissa.pipeline.cluster.live_runs import LiveRuns
from nissa.pipeline.cluster_watch import JobManager, Watchdog
from nissa.pipeline.cluster_watch.job_manager import JobReport
from tests.pipeline.cluster_watch.manager import JOB, NO_MANAGERS, RECORDED, answering, recorded, saying


class Watched:
    """A folder of logs, an output, and a watchdog whose clock is set by hand."""

    def __init__(self, root: Path) -> None:
        self.logs, self.out, self.now, self.told = root / "logs", root / "out", 0.0, 0
        (self.out / "progress").mkdir(parents=True)
        self.logs.mkdir()
        self.watchdog = Watchdog(self.logs, self.out, None, lambda: self.now)

    def write(self, run: str, content: bytes, segment: int = 1) -> None:
        (self.logs / run).mkdir(parents=True, exist_ok=True)
        with (self.logs / run / f"events-{segment:06}.jsonl").open("ab") as log:
            log.write(content)

    def read(self, run: str, offset: int, segment: int = 1, ended: bool = False, at: float | None = None) -> None:
        self.told += 1
        place = {"run": run, "segment": segment, "offset": offset, "seq": 0, "ended": ended}
        line = json.dumps(place | {"at": self.now if at is None else at})
        (self.out / "progress" / f"part-{self.told}").write_text(f"{line}\nno line\n")

    def stalled(self, now: float) -> dict[str, float]:
        self.now = now
        self.watchdog.look()
        return dict(self.watchdog.state().stalled)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


def test_a_run_stands_still_from_when_lines_wait_until_one_is_read(watched: Watched) -> None:
    watched.write("night/a", b"1\n2\n")
    assert watched.stalled(10) == {"night/a": 0}
    assert watched.stalled(40) == {"night/a": 30}
    watched.read("night/a", 2)
    assert watched.stalled(50) == {"night/a": 0}
    assert watched.stalled(60) == {"night/a": 10}
    watched.read("night/a", 4)
    assert watched.stalled(70) == {"night/a": 0}
    assert watched.stalled(500) == {"night/a": 0}
    watched.write("night/a", b"3\n")
    assert watched.stalled(505) == {"night/a": 0}
    assert watched.stalled(508) == {"night/a": 3}


def test_half_a_line_waits_for_its_writer_and_is_nobodys_fault(watched: Watched) -> None:
    watched.write("a", b"1\nhal")
    watched.read("a", 2)
    watched.stalled(10)
    assert watched.stalled(400) == {"a": 0}
    watched.write("a", b"f\n")
    watched.stalled(410)
    assert watched.stalled(420) == {"a": 10}


def test_the_next_segment_waits_and_an_earlier_one_does_not(watched: Watched) -> None:
    watched.write("a", b"1\n")
    watched.write("a", b"2\n", segment=2)
    watched.read("a", 2)
    watched.stalled(10)
    assert watched.stalled(15) == {"a": 5}
    watched.read("a", 2, segment=2)
    assert watched.stalled(20) == watched.stalled(90) == {"a": 0}


def test_a_segment_that_was_packed_behind_the_job_waits_for_nobody(watched: Watched) -> None:
    watched.write("a", b"1\n")
    watched.read("a", 2)
    (watched.logs / "a" / "events-000001.jsonl").rename(watched.logs / "a" / "events-000001.jsonl.zst")
    watched.stalled(10)
    assert watched.stalled(90) == {"a": 0}


def test_a_run_that_ended_is_no_longer_told_unless_it_goes_on(watched: Watched) -> None:
    watched.write("a", b"1\n")
    watched.write("b", b"1\n")
    watched.read("a", 2, ended=True)
    assert watched.stalled(10) == {"b": 0}
    assert watched.watchdog.state().runs == 1
    watched.write("a", b"2\n")
    assert watched.stalled(20).keys() == {"a", "b"}


def test_all_runs_are_watched_however_many_and_as_deep_as_the_job_looks(watched: Watched) -> None:
    for run in range(300):
        watched.write(f"month/night-{run % 7}/run-{run}", b"1\n")
    watched.write("a/b/c/d/e/f", b"1\n")
    watched.write("a/b/c/d/e2/f/g", b"1\n")
    watched.write(".hidden/a", b"1\n")
    assert len(watched.stalled(10)) == 301
    live = LiveRuns(watched.logs, 1 << 18, 64)
    assert watched.stalled(20).keys() == set(live._walk())


def test_what_was_told_first_does_not_undo_what_was_told_later(watched: Watched) -> None:
    watched.write("a", b"1\n2\n")
    watched.read("a", 4, at=20.0)
    watched.read("a", 2, at=10.0)
    watched.stalled(30)
    assert watched.stalled(99) == {"a": 0}


def test_files_of_the_output_that_are_not_whole_yet_are_not_read(watched: Watched) -> None:
    watched.write("a", b"1\n")
    watched.read("a", 2)
    (watched.out / "progress" / "part-1").rename(watched.out / "progress" / ".part-1.inprogress")
    watched.stalled(10)
    assert watched.stalled(20) == {"a": 10}


def test_the_output_of_a_real_job_is_read(tmp_path: Path) -> None:
    """One run was read to its end, the other up to a place that was told before that of an earlier file by its name."""
    watched = Watched(tmp_path)
    shutil.copytree(RECORDED / "progress", watched.out / "progress", dirs_exist_ok=True)
    watched.write("run-a", b"x" * 2_366_498)
    watched.write("run-b", b"x" * 847_074 + b"\n")
    watched.stalled(0)
    assert watched.stalled(60) == {"run-b": 0}
    watched.write("run-b", b"one more\n")
    watched.stalled(60)
    assert watched.stalled(70) == {"run-b": 10}


def report(answers: dict[str, Any]) -> JobReport | None:
    with answering(answers) as url:
        return JobManager(f"{url}/", JOB["name"]).report()


def test_a_manager_says_what_it_said_when_it_was_recorded() -> None:
    assert report(recorded()) == JobReport(running=True, checkpoints_failed=0, restarts=0)


def test_failed_checkpoints_restarts_and_a_job_that_does_not_run_are_told() -> None:
    answers = copy.deepcopy(recorded())
    answers["/jobs/overview"]["jobs"][0]["state"] = "RESTARTING"
    answers[f"/jobs/{JOB['jid']}/checkpoints"]["counts"]["failed"] = 7
    answers[f"/jobs/{JOB['jid']}/metrics?get=numRestarts"] = [{"id": "numRestarts", "value": "3"}]
    assert report(answers) == JobReport(running=False, checkpoints_failed=7, restarts=3)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"/jobs/overview": "<html>"},
        {"/jobs/overview": {"jobs": []}},
        {"/jobs/overview": {"jobs": [JOB | {"name": "another's"}]}},
        {"/jobs/overview": {"jobs": [JOB]}},
        {"/jobs/overview": []},
    ],
)
def test_of_whoever_gives_no_such_answer_nothing_is_known(answers: dict[str, Any]) -> None:
    assert report(answers) is None


@pytest.mark.parametrize("answer", NO_MANAGERS.values(), ids=NO_MANAGERS)
def test_who_is_no_manager_says_nothing(answer: bytes) -> None:
    with saying(answer) as url:
        assert JobManager(url, JOB["name"]).report() is None


def test_a_manager_that_goes_away_is_down_and_what_it_had_counted_stands(tmp_path: Path) -> None:
    answers = copy.deepcopy(recorded())
    answers[f"/jobs/{JOB['jid']}/checkpoints"]["counts"]["failed"] = 7
    with answering(answers) as url:
        watchdog = Watchdog(tmp_path, tmp_path / "out", JobManager(url, JOB["name"]))
        watchdog.look()
        assert watchdog.state()[2:] == (True, 7, 0)
    watchdog.look()
    assert watchdog.state()[2:] == (False, 7, 0)


def test_restarts_that_are_not_gathered_yet_are_as_many_as_before(tmp_path: Path) -> None:
    answers, place = copy.deepcopy(recorded()), f"/jobs/{JOB['jid']}/metrics?get=numRestarts"
    with answering(answers) as url:
        watchdog = Watchdog(tmp_path, tmp_path / "out", JobManager(url, JOB["name"]))
        counted = []
        for told in ([], [{"id": "numRestarts", "value": "3"}], []):
            answers[place] = told
            watchdog.look()
            counted.append(watchdog.state().restarts)
    assert counted == [0, 3, 3]


def test_where_nobody_is_asked_nothing_is_said_of_a_manager(watched: Watched) -> None:
    watched.stalled(1)
    assert watched.watchdog.state().up is None
