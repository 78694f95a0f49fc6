"""What is in the files that W&B wrote for the sink, and what becomes of its processes."""

import math
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nissa import Telemetry
from nissa.events import ScalarsLogged
from nissa.pipeline.sources import Reading, read_log
from nissa.sinks import TensorBoardSink, WandbSink
from nissa.sinks.packages import MissingPackageError
from tests.samples import event
from tests.sinks.test_tensorboard import read
from tests.sinks.wandb_files import WandbRun, read_runs
from tests.waiting import LIMIT, until

pytestmark = pytest.mark.deep


def scalars(step: int | None = None, **values: float) -> Any:
    return event(ScalarsLogged(values=values, step=step), time=100.0)


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def processes(sink: WandbSink) -> tuple[int, int]:
    """The sink's process and W&B's own service, which is a child of that."""
    assert sink._process
    (service,) = children(sink._process.pid)
    return sink._process.pid, service


def is_over(pid: int) -> bool:
    """Whether a process has ended, with all of its threads, though nobody may have asked for its status."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state in "ZX" and len(os.listdir(f"/proc/{pid}/task")) <= 1
    except OSError:
        return True


def curve(run: WandbRun, name: str) -> list[tuple[int, float]]:
    return [(row[run.steps[name]], float(row[name])) for row in run.rows if name in row]


def test_curves_are_those_of_tensorboard_in_a_run_for_each_environment(demo: Path, tmp_path: Path) -> None:
    wandb, tensorboard = WandbSink(tmp_path / "wandb", tags=["a"]), TensorBoardSink(tmp_path / "tb")
    with_kinds = [event for event in read_log(demo, Reading()) if isinstance(event.payload, wandb.kinds)]
    for one in with_kinds:
        wandb(one)
        tensorboard(one)
    wandb.close()
    tensorboard.close()
    runs = {run.name: run for run in read_runs(tmp_path / "wandb")}
    assert runs.keys() == {folder.name for folder in (tmp_path / "tb").iterdir()}
    for name, run in runs.items():
        assert run[1:3] == (with_kinds[0].scope.run, "nissa")
        assert run.finished
        drawn = read(tmp_path / "tb" / name)
        assert drawn.keys() == run.steps.keys()
        for tag, points in drawn.items():
            # TensorBoard has 32 bits for a number.
            steps, values = zip(*points, strict=True)
            assert [step for step, _ in curve(run, tag)] == [*steps]
            assert [value for _, value in curve(run, tag)] == pytest.approx(values, rel=1e-6, nan_ok=True)
    times = sorted(row["_timestamp"] for run in runs.values() for row in run.rows)
    assert times == sorted(one.time for one in with_kinds)


def test_steps_and_odd_values_and_names_are_the_trainers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WANDB_RUN_ID", "WANDB_SERVICE"):
        monkeypatch.setenv(name, "of-the-trainer")
    with Telemetry("r", sinks={"wandb": WandbSink(tmp_path, project="mine", group="arm")}) as telemetry:
        telemetry.log({"lr": 0.5, "a*": 1.0}, step=70)
        telemetry.log({"lr": math.nan, "": 2.0}, step=60)  # W&B has no curve without a name
        telemetry.log({"lr": -math.inf})
    ((name, group, project, rows, steps, finished),) = read_runs(tmp_path)
    assert (name, group, project, finished) == ("r", "arm", "mine", True)
    told = [{key: row[key] for key in sorted(row) if not key.startswith("_")} for row in rows]
    assert repr(told) == repr(
        [
            {"a*": 1, "lr": 0.5, "scalars/step": 70},
            {"lr": math.nan, "scalars/step": 60},
            {"lr": -math.inf, "scalars/step": 2},
        ]
    )
    assert steps == {"lr": "scalars/step"}
    assert not [*tmp_path.rglob("*of-the-trainer*")]


@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_is_killed_is_started_again_and_the_trainer_goes_on(tmp_path: Path, victim: int) -> None:
    sink = WandbSink(tmp_path)
    with Telemetry("r", sinks={"wandb": sink}) as telemetry:
        telemetry.log({"lr": 1.0})
        assert telemetry.flush(LIMIT)
        pids = processes(sink)
        os.kill(pids[victim], signal.SIGKILL)
        until(lambda: all(map(is_over, pids[victim:])))
        telemetry.log({"lr": 2.0})
        assert telemetry.flush(LIMIT)
        (state,) = [state for state in telemetry.state().sinks if state.sink == "wandb"]
    assert (state.written, state.retries, state.breaker) == (2, 1, "closed")
    assert [curve(run, "lr") for run in read_runs(tmp_path) if run.finished] == [[(1, 2.0)]]
    until(lambda: all(map(is_over, pids)))


def test_a_run_that_is_switched_off_takes_points_and_writes_none(tmp_path: Path) -> None:
    """Without a service there is none that could have ended."""
    sink = WandbSink(tmp_path, mode="disabled")
    for lr in (1.0, 2.0):
        sink(scalars(lr=lr))
    sink.close()
    assert read_runs(tmp_path) == []


def test_what_wandb_says_is_told_in_one_line(tmp_path: Path) -> None:
    sink = WandbSink(tmp_path, mode="nowhere")
    with pytest.raises(RuntimeError, match=r"^ValidationError: 1 validation error for Settings mode .*$"):
        sink(scalars(lr=1.0))


def run_of(program: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


_TRAINER = """
import os, sys, time
from nissa import Telemetry
from nissa.sinks import WandbSink
sink = WandbSink(sys.argv[1])
telemetry = Telemetry("r", sinks={"wandb": sink}, console=False)
telemetry.log({"lr": 1.0})
telemetry.flush(60.0)
print(sink._process.pid, flush=True)
"""


def test_the_processes_end_with_a_trainer_that_is_killed_and_their_run_is_whole(tmp_path: Path) -> None:
    with run_of(f"{_TRAINER}sys.stdin.readline()", tmp_path) as trainer:
        assert trainer.stdout
        process = int(trainer.stdout.readline())
        pids = [process, *children(process)]
        trainer.kill()
    until(lambda: all(map(is_over, pids)))
    assert [(curve(run, "lr"), run.finished) for run in read_runs(tmp_path)] == [([(0, 1.0)], True)]


_IMPATIENT = "import sys; from nissa.sinks.wandb import writer; writer.PATIENCE = 1; writer.main(sys.argv[1:])"
_SILENT = f"""
import os, sys, time
from nissa import Telemetry
from nissa.sinks import WandbSink
sink = WandbSink(sys.argv[1], mode="online")
sink._command[1:3] = ["-c", {_IMPATIENT!r}]
telemetry = Telemetry("r", sinks={{"wandb": sink}}, console=False)
telemetry.log({{"lr": 1.0}})
sys.stdin.readline()
telemetry.close(timeout=0.5)
print(sink._process.pid, telemetry.state().faults, flush=True)
sys.stdin.readline()
"""


def test_a_server_that_is_silent_is_waited_for_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        with run_of(_SILENT, tmp_path) as trainer:
            assert trainer.stdin
            assert trainer.stdout

            def is_asked() -> bool:
                assert trainer.poll() is None
                return select.select([server], [], [], 0)[0] != []

            until(is_asked)
            with server.accept()[0]:  # W&B asks its server who that is, and hears nothing
                print(file=trainer.stdin, flush=True)
                pid, faults = trainer.stdout.readline().split(maxsplit=1)
                assert "wandb" in faults
                pids = [int(pid), *children(int(pid))]
                assert len(pids) == 2
                trainer.communicate("\n", timeout=LIMIT)
                until(lambda: all(map(is_over, pids)))


def test_a_child_of_the_trainer_keeps_no_process_alive(tmp_path: Path) -> None:
    forked = (
        "child = os.fork()\n"
        "if not child: time.sleep(600)\n"
        "telemetry.close(timeout=60.0)\n"
        "print(telemetry.state().faults)\n"
        "os.kill(child, 9)\n"
    )
    with run_of(_TRAINER + forked, tmp_path) as trainer:
        said, _ = trainer.communicate(timeout=LIMIT)
    assert said.splitlines()[1:] == ["{}"]
    assert [run.finished for run in read_runs(tmp_path)] == [True]


def test_without_wandb_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wandb").mkdir()
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(MissingPackageError, match=r"pip install 'nissa\[wandb\]'"):
        WandbSink(tmp_path)
