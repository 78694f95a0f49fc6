"""Looks at runs: what cannot be read harms no other run, and a run may begin after its monitor, or begin anew."""

import shutil
from pathlib import Path

import pytest

from nissa.cli.monitor.looks import Looks
from nissa.events.kinds import EpochCompleted
from nissa.pipeline.following import FollowedRun
from nissa.pipeline.following import followed_run as following
from nissa.pipeline.sources import log_files
from nissa.pipeline.telemetry import Telemetry
from tests.waiting import until


def recorded(path: Path, name: str = "run") -> Path:
    with Telemetry(name, out=path) as telemetry:
        telemetry.scope(env=0, episode=0, epoch=1).emit(EpochCompleted(val_accuracy=50.0))
    return path


def test_a_run_that_cannot_be_read_stays_so_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "broken" / "events-000001.jsonl").mkdir(parents=True)
    looks = Looks([tmp_path / "broken", tmp_path / "later"])
    looks.start()
    until(lambda: looks.current[0].state == "unreadable")
    recorded(tmp_path / "later")
    until(lambda: looks.current[1].state == "ended")
    looks.close()
    assert looks.current[0].state == "unreadable"
    assert "Is a directory" in looks.current[0].problem


@pytest.mark.parametrize("made", [False, True])
def test_a_run_may_begin_after_its_monitor(made: bool, tmp_path: Path) -> None:
    if made:
        (tmp_path / "run").mkdir()
    looks = Looks([path := tmp_path / "run"])
    looks.start()
    until(lambda: looks.current[0].state == "quiet")
    assert looks.current[0].problem == "no event yet"
    recorded(path)
    until(lambda: looks.current[0].state == "ended")
    looks.close()
    assert (looks.current[0].name, looks.current[0].problem) == ("run", "")


def test_a_run_that_begins_while_it_is_asked_what_is_there_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()

    def just_begun(path: Path) -> list[Path]:
        (path / "events-000001.jsonl").touch()
        return log_files(path)

    monkeypatch.setattr(following, "log_files", just_begun)
    assert FollowedRun(tmp_path / "run", {}).state() != "recorded"


def test_runs_of_a_folder_come_and_go_while_it_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nissa.cli.monitor.looks._NEW", 0.0)
    looks = Looks([tmp_path / "runs"])
    looks.start()

    def names() -> list[str]:
        return [look.name for look in looks.current if look.state == "ended"]

    assert [look.path.name for look in looks.current] == ["runs"]
    recorded(tmp_path / "runs" / "a", "first")
    until(lambda: names() == ["first"] and len(looks.current) == 1)
    recorded(tmp_path / "runs" / "deep" / "er" / "b", "second")
    until(lambda: names() == ["first", "second"])
    shutil.rmtree(tmp_path / "runs" / "a")
    until(lambda: names() == ["second"])
    looks.close()


def test_a_directory_with_the_log_of_another_system_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("hello\n")
    followed = FollowedRun(tmp_path, {})
    assert followed.state() == "recorded"


def test_a_run_that_is_made_anew_in_its_folder_is_read_anew(tmp_path: Path) -> None:
    looks = Looks([recorded(tmp_path / "run", "first")])
    looks.start()
    until(lambda: looks.current[0].state == "ended")
    shutil.rmtree(tmp_path / "run")
    recorded(tmp_path / "run", "second")
    until(lambda: looks.current[0].name == "second" and looks.current[0].state == "ended")
    looks.close()
    assert looks.current[0].courses.places[None, 0].done == 1


def test_a_last_line_without_an_end_is_read_once_nobody_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_SILENCE", 0.5)
    (segment,) = recorded(tmp_path / "run").glob("events-*.jsonl")
    segment.write_bytes(segment.read_bytes().removesuffix(b"\n"))
    looks = Looks([tmp_path / "run"])
    looks.start()
    until(lambda: looks.current[0].state == "ended")
    looks.close()
    assert looks.current[0].outcome == "completed"
