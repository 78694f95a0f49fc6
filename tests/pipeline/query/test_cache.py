"""Tables lie beside a run, are made anew when it changes, and are nobody else's business."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from nissa.events.kinds import BatchCompleted, EpochCompleted
from nissa.pipeline.query import cache, found_runs, preparing
from nissa.pipeline.query.building import PARTS
from nissa.pipeline.query.cache import RunTables
from nissa.pipeline.replay import replay
from nissa.pipeline.sources import UnreadableRunError
from nissa.pipeline.telemetry import Telemetry
from nissa.sinks.run_log import segments
from tests.pipeline.query.asking import ask, told, write

COUNT = "select count(*) as n from batches"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A run of three batches, written as a trainer does."""
    with Telemetry("small", out=tmp_path / "run") as telemetry:
        for batch in range(3):
            telemetry.emit(BatchCompleted(batch=batch, loss=0.5))
    return tmp_path / "run"


def kept(run: Path) -> set[str]:
    """The folders beside it."""
    return {folder.name for folder in (run / ".tables").glob("*")}


def test_a_second_question_reads_no_log(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(small, COUNT) == [{"n": 3}]
    monkeypatch.setattr(cache, "build", None)
    assert ask(small, COUNT) == [{"n": 3}]


def test_a_run_that_goes_on_is_read_again_and_the_old_tables_go(small: Path) -> None:
    ask(small, COUNT)
    before = kept(small)
    with Telemetry("small", out=small, resume=True) as telemetry:
        telemetry.emit(BatchCompleted(batch=3, loss=0.5))
    assert ask(small, COUNT) == [{"n": 4}]
    assert len(kept(small)) == len(before) == 1
    assert kept(small).isdisjoint(before)


def test_tables_of_other_code_are_stale(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(small, COUNT)
    before = kept(small)
    monkeypatch.setattr(cache, "_makers", lambda: b"another version")
    ask(small, COUNT)
    assert kept(small).isdisjoint(before)


def test_what_is_derived_is_made_when_it_is_asked_for(small: Path) -> None:
    ask(small, COUNT)
    assert {name.rpartition("-")[2] for name in kept(small)} == {"told"}
    ask(small, "select * from alerts")
    assert {name.rpartition("-")[2] for name in kept(small)} == {*PARTS}


def test_other_readers_do_not_see_tables(small: Path) -> None:
    before = replay(small).summary(), segments(small)
    ask(small, "select * from kinds")
    assert (replay(small).summary(), segments(small)) == before


def test_a_folder_that_is_read_only_stays_as_it_is(small: Path) -> None:
    mode = small.stat().st_mode
    small.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        assert ask(small, COUNT) == [{"n": 3}]
        assert not (small / ".tables").exists()
    finally:
        small.chmod(mode)


def test_tables_that_nobody_could_keep_are_gone_with_their_run(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_may_write", lambda _: False)
    (run,) = found_runs(small)
    folder = run.folder("told")
    assert folder.is_dir()
    del run
    assert not folder.exists()


def test_an_unfinished_folder_is_never_taken_for_tables(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(cache, "build", fail)
        with pytest.raises(KeyboardInterrupt):
            ask(small, COUNT)
    assert kept(small) == set()
    abandoned = small / ".tables" / "unfinished-by-a-killed-process"
    abandoned.mkdir()
    ask(small, COUNT)
    assert abandoned.name in kept(small), "somebody may be at work there"
    os.utime(abandoned, (0, 0))
    ask(small, "select * from alerts")
    assert abandoned.name not in kept(small)


def test_a_log_that_is_a_file_has_its_tables_beside_it(tmp_path: Path) -> None:
    log = write(tmp_path / "log.jsonl", told(EpochCompleted()))
    assert ask(log, "select count(*) as n from epochs") == [{"n": 1}]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".log.jsonl.tables", "log.jsonl"]


def test_many_runs_are_made_ready_by_several_processes(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [tmp_path / f"run '{n}' [*]?" for n in range(4)]
    for run in runs:
        shutil.copytree(small, run)
    monkeypatch.setattr(preparing, "_WORTH", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    preparing.prepare([RunTables(run) for run in runs], PARTS)
    monkeypatch.setattr(cache, "build", None)
    assert [ask(run, COUNT) for run in runs] == [[{"n": 3}]] * 4


def test_a_pipe_cannot_be_asked(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableRunError, match="it can be read only once: save it to a file first"):
        found_runs(tmp_path / "pipe")
