"""Trainer, collector or both are killed: nothing is written twice, nothing stays behind, and the job is finished."""

import os
import signal
import urllib.request
from pathlib import Path

from nissa.cli.main import main
from nissa.pipeline.replay import replay
from nissa.sinks.run_log import segments
from tests.pipeline.collector.processes import alive, is_free, send, training
from tests.waiting import until


def exact(directory: Path) -> bool:
    """Whether what is derived beside the log is what follows from it, each once."""
    result = replay(directory)
    assert result.reading.derived
    return (result.different, result.only_recorded, result.only_computed, result.reading.duplicates) == (0, 0, 0, 0)


def log_of(directory: Path) -> str:
    return (directory / "collector.log").read_text()


def test_a_killed_trainer_is_told_as_died_and_the_port_is_given_back(tmp_path: Path) -> None:
    with training(tmp_path / "run", 1_000_000, 0) as trainer:
        trainer.flushed()
        assert not is_free(trainer.url)
        written = trainer.kill()
        until(lambda: not alive(trainer.collector))
    assert is_free(trainer.url)
    assert "died: there is no run_ended" in log_of(tmp_path / "run")
    assert replay(tmp_path / "run").reading.read >= written
    assert exact(tmp_path / "run")


def test_both_killed_collect_finishes_the_job(tmp_path: Path) -> None:
    with training(tmp_path / "run", 1_000_000) as trainer:
        for _ in range(3):
            trainer.flushed()
        trainer.collecting()
        send(trainer.collector, signal.SIGSTOP)
        trainer.flushed()
        trainer.kill()
        send(trainer.collector, signal.SIGKILL)
        until(lambda: not alive(trainer.collector))
    assert main(["collect", str(tmp_path / "run")]) == 0
    assert exact(tmp_path / "run")
    before = (tmp_path / "run" / "derived-000001.jsonl").read_bytes()
    assert main(["collect", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "derived-000001.jsonl").read_bytes() == before


def test_a_ctrl_c_of_the_trainer_s_group_leaves_the_collector_to_finish(tmp_path: Path) -> None:
    with training(tmp_path / "run", 1_000_000, 0, group=True) as trainer:
        trainer.flushed()
        assert os.getpgid(trainer.process.pid) == trainer.process.pid
        assert os.getpgid(trainer.collector) != trainer.process.pid
        os.killpg(trainer.process.pid, signal.SIGINT)
        send(trainer.collector, signal.SIGINT)
        trainer.process.communicate()
        until(lambda: not alive(trainer.collector))
    assert is_free(trainer.url)
    assert ": ended;" in log_of(tmp_path / "run")
    assert b'"outcome":"interrupted"' in segments(tmp_path / "run")[-1].read_bytes().splitlines()[-1]
    assert exact(tmp_path / "run")


def test_a_run_goes_on_under_a_collector_of_its_own_while_the_one_before_it_is_still_there(tmp_path: Path) -> None:
    with training(tmp_path / "run", 1_000_000, 0) as first:
        first.collecting()
        send(first.collector, signal.SIGSTOP)
        first.kill()
        with training(tmp_path / "run", 3, 0) as second:
            second.flushed()
            assert alive(first.collector)
            send(first.collector, signal.SIGCONT)
            with urllib.request.urlopen(second.url) as answer:
                assert answer.status == 200
            second.process.communicate()
    assert "another process collects it" in log_of(tmp_path / "run")
    assert exact(tmp_path / "run")
