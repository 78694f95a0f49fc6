"""A child of the trainer's keeps nothing of its collector: no pipe, no lock, no port; and nothing is left behind."""

import signal
import subprocess
import sys
from pathlib import Path

from nissa.pipeline.collector.control import CONTROL
from tests.pipeline.collector.processes import alive, send
from tests.waiting import until

START = """
import gc, os, sys
from pathlib import Path
from nissa import Telemetry
from tests.pipeline.collector.runs import tell_epoch
from tests.waiting import LIMIT
out = Path(sys.argv[1])
telemetry = Telemetry("run", out=out, collector="process", metrics=0, linger=0)
tell_epoch(telemetry, 0, 1)
assert telemetry.flush(LIMIT)
"""


def run(code: str, out: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", START + code, str(out)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_forked_child_keeps_nothing_and_hangs_nothing(tmp_path: Path) -> None:
    code = """
def held():
    fds = Path("/proc/self/fd")
    names = [os.readlink(fds / name) for name in os.listdir(fds) if (fds / name).is_symlink()]
    return [name for name in names if name.startswith("socket") or "events-" in name or "derived-" in name]
assert len(held()) == 3, held()
reading, writing = os.pipe()
child = os.fork()
if not child:
    os.close(writing)
    tell_epoch(telemetry, 0, 9)
    telemetry.flush(0.1)
    telemetry.close()
    print("child", held(), telemetry.fidelity, flush=True)
    del telemetry
    gc.collect()
    os.read(reading, 1)
    sys.exit(0)
os.close(reading)
telemetry.close(timeout=LIMIT)
print("state", telemetry.state().sinks[-1].written, flush=True)
os.write(writing, b"x")
os.close(writing)
assert os.waitpid(child, 0)[1] == 0
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("no zombie")
"""
    done = run(code, tmp_path / "run")
    assert "child [] normal" in done.stdout, done
    assert "no zombie" in done.stdout
    assert "Warning" not in done.stderr
    assert done.returncode == 0
    assert ": ended;" in (tmp_path / "run" / "collector.log").read_text()


def test_workers_of_a_loader_hang_nothing_and_a_spawned_process_inherits_nothing(tmp_path: Path) -> None:
    code = """
import subprocess, torch
data = torch.utils.data.TensorDataset(torch.arange(8.0))
for (value,) in torch.utils.data.DataLoader(data, num_workers=2, multiprocessing_context="fork"):
    telemetry.scope(env=0, episode=0, epoch=2)
subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, check=True)
assert telemetry.flush(LIMIT)
telemetry.close(timeout=LIMIT)
print("read", telemetry.state().sinks[-1].written == telemetry.state().accepted)
"""
    done = run(code, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "read True" in done.stdout
    assert "/proc/" in done.stdout
    assert "socket:" not in done.stdout
    assert "events-" not in done.stdout


def test_a_trainer_that_dies_while_its_child_lives_is_known_to_have_died(tmp_path: Path) -> None:
    code = """
import time
child = os.fork()
if not child:
    os.close(1), os.close(2)
    time.sleep(600)
print(telemetry._collector.pid, child, flush=True)
os.kill(os.getpid(), 9)
"""
    done = run(code, tmp_path / "run")
    collector, child = map(int, done.stdout.split())
    try:
        assert done.returncode == -signal.SIGKILL
        until(lambda: not alive(collector))
        assert alive(child)
    finally:
        send(child, signal.SIGKILL)
    assert "died: there is no run_ended" in (tmp_path / "run" / "collector.log").read_text()
    assert (tmp_path / "run" / CONTROL).exists()


def test_one_that_nobody_closes_is_ended_by_the_interpreter_without_a_warning(tmp_path: Path) -> None:
    done = run("print(telemetry._collector.pid)", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: not alive(int(done.stdout)))
    assert ": ended;" in (tmp_path / "run" / "collector.log").read_text()
