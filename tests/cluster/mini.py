"""The job within one process, as `nissa cluster run` without `--jobmanager`: Flink's MiniCluster."""

import atexit
import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.cluster.judging import lines_of
from tests.cluster.processes import ROOT, until

__all__ = ["Mini"]

_PYTHON = ROOT / ".venv-cluster" / "bin" / "python"


class Mini:
    """A session of its own; `command` is another program in place of the command."""

    def __init__(self, folder: Path, tasks: int = 1, command: Path | None = None) -> None:
        self.logs, self.out, self.checkpoints = folder / "logs", folder / "out", folder / "checkpoints"
        self.folder, self.tasks, self.command = folder, tasks, command
        self.logs.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Workers are processes of their own, as on a cluster."""
        if self.command:
            words = [str(self.command), self.logs, self.checkpoints, self.out]
        else:
            words = ["-m", "nissa.cli.main", "cluster", "run", "--logs", self.logs, "--checkpoints", self.checkpoints]
            words += ["--out", self.out, "--tasks", str(self.tasks)]
        with (self.folder / "mini.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["nice", "-n", "5", str(_PYTHON), *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                env=os.environ | {"JVM_ARGS": "-Xmx768m", "_python_worker_execution_mode": "process"},
            )
        atexit.register(self.kill)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ended(self) -> set[str]:
        return {json.loads(line)["run"] for line in lines_of(self.out, "summaries")}

    def wait(self, runs: int, limit: float = 300.0) -> bool:
        return until(lambda: len(self.ended()) >= runs, limit)

    def pids(self) -> list[int]:
        """All that it started."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and os.getsid(int(entry.name)) == self.process.pid:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def kill_worker(self) -> None:
        for pid in self.pids():
            with suppress(OSError):
                if b"beam" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)

    def cpu(self) -> float:
        """Seconds that all of it has computed."""
        ticks = 0
        for pid in self.pids():
            try:
                ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
            except OSError:
                continue
        return ticks / os.sysconf("SC_CLK_TCK")

    def checkpoint_bytes(self) -> int:
        """Of the last checkpoint that was completed."""
        done = max(self.checkpoints.glob("*/chk-*/_metadata"), key=lambda file: file.stat().st_mtime).parent
        shared = [file for name in ("shared", "taskowned") for file in (done.parent / name).rglob("*")]
        return sum(file.stat().st_size for file in [*done.rglob("*"), *shared] if file.is_file())
