"""Looks at runs: what cannot be read harms no other run, and a run may begin after its monitor, or begin anew."""

from pathlib import Path

from nissa.cli.monitor.looks import Looks
from nissa.events.kinds import EpochCompleted
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
