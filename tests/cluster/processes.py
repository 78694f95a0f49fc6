"""A small Flink cluster of real processes: ZooKeeper, a JobManager and TaskManagers, each killed with all it started.

Each is a session of its own, as a container or a cgroup would have it; ports are free ones of loopback.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.addresses import free_address

__all__ = ["ROOT", "Cluster", "flink_home", "until"]

ROOT = Path(__file__).parents[2]
_PYTHON = ROOT / ".venv-cluster" / "bin" / "python"
_LIMIT = 300.0


def flink_home() -> Path:
    """Where Flink lies in `.venv-cluster`."""
    (home,) = (ROOT / ".venv-cluster" / "lib").glob("python*/site-packages/pyflink")
    return home


def until(condition: Callable[[], Any], limit: float = _LIMIT, pause: float = 0.2) -> bool:
    """Wait; whether it came to be."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            if condition():
                return True
        except OSError:
            pass
        time.sleep(pause)
    return False


class Cluster:
    """Starts and ends processes by their ids only; logs go to `folder`."""

    def __init__(self, folder: Path, slots: int = 1) -> None:
        self.folder, self.slots = folder, slots
        self.ports = {name: free_address()[1] for name in ("zk", "zk-a", "zk-b", "rest")}
        self.rest = f"127.0.0.1:{self.ports['rest']}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.started = Counter[str]()
        folder.mkdir(parents=True, exist_ok=True)
        self._configure()

    def start(self, name: str) -> None:
        """Start "zk", "jm", or "tm1" and so on."""
        script, words = {"zk": ("zookeeper", ["1"]), "jm": ("jobmanager", [])}.get(
            name, ("taskmanager", self._named(name))
        )
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                ["nice", "-n", "5", "bash", str(flink_home() / "bin" / f"{script}.sh"), "start-foreground", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ
                | {
                    "FLINK_CONF_DIR": str(self.folder / "conf"),
                    "FLINK_LOG_DIR": str(self.folder),
                    "FLINK_PID_DIR": str(self.folder),
                    "PATH": f"{_PYTHON.parent}:{os.environ['PATH']}",
                },
            )

    def _named(self, name: str) -> list[str]:
        # One that was killed is registered until its heartbeat is missed.
        self.started[name] += 1
        return ["-D", f"taskmanager.resource-id={name}.{self.started[name]}"]

    def start_all(self) -> None:
        for name in ("zk", "jm", "tm1", "tm2"):
            self.start(name)
        if not until(lambda: self.ask("/taskmanagers") and len(self.ask("/taskmanagers")["taskmanagers"]) == 2):
            raise TimeoutError("the cluster does not come up")

    def kill(self, name: str) -> None:
        """With all that it started."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait()

    def workers(self, name: str) -> list[int]:
        """The Python workers of a TaskManager."""
        session = self.processes[name].pid
        found = []
        for entry in Path("/proc").iterdir():
            try:
                its = entry.name.isdecimal() and os.getsid(int(entry.name)) == session
                if its and b"beam" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def kill_worker(self, name: str) -> None:
        until(lambda: self.workers(name), 60.0)
        for pid in self.workers(name):
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def cpu(self) -> float:
        """Seconds that all of it has computed, the children that live included."""
        sessions, ticks = {process.pid for process in self.processes.values()}, 0
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and os.getsid(int(entry.name)) in sessions:
                    ticks += sum(map(int, (entry / "stat").read_text().rpartition(")")[2].split()[11:13]))
            except OSError:
                continue
        return ticks / os.sysconf("SC_CLK_TCK")

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Raises OSError."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://{self.rest}{path}", data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"{}")

    def job(self) -> str | None:
        """The id of the job that is not over."""
        jobs = self.ask("/jobs/overview")["jobs"]
        over = ("FINISHED", "CANCELED", "FAILED")
        return next((job["jid"] for job in jobs if job["state"] not in over), None)

    def is_running(self) -> bool:
        job = self.job()
        vertices = self.ask(f"/jobs/{job}")["vertices"] if job else []
        return bool(vertices) and all(vertex["status"] == "RUNNING" for vertex in vertices)

    def by_tasks(self) -> list[str]:
        """The TaskManagers, the one with most tasks of the job first."""
        job = self.job()
        vertices = [vertex["id"] for vertex in self.ask(f"/jobs/{job}")["vertices"]]
        tasks = [task for vertex in vertices for task in self.ask(f"/jobs/{job}/vertices/{vertex}")["subtasks"]]
        counts = Counter(task["taskmanager-id"].partition(".")[0] for task in tasks)
        return sorted(("tm1", "tm2"), key=lambda name: -counts[name])

    def begun_checkpoint(self) -> int:
        """Wait for the next that begins; its number. REST tells of it when it is long over. Raises LookupError."""
        before = self._checkpoint("Triggering")
        if not until(lambda: self._checkpoint("Triggering") > before, 30.0, 0.002):
            raise LookupError("no checkpoint was begun")
        return self._checkpoint("Triggering")

    def completed(self, checkpoint: int) -> bool:
        """Whether it came to its end by now."""
        return self._checkpoint("Completed") >= checkpoint

    def _checkpoint(self, what: str) -> int:
        """The number of the last one that the JobManager's log says this of."""
        log = max(self.folder.glob("flink--standalonesession-*.log"), key=lambda file: file.stat().st_mtime)
        with log.open("rb") as told:
            told.seek(max(0, log.stat().st_size - 8192))
            found = re.findall(rf"{what} checkpoint (\d+)".encode(), told.read())
        return int(found[-1]) if found else 0

    def rescale(self, tasks: int) -> bool:
        """To so many tasks, by one call; whether it came to run so."""
        job = self.job()
        needs = self.ask(f"/jobs/{job}/resource-requirements")
        names = {vertex["id"]: vertex["name"] for vertex in self.ask(f"/jobs/{job}")["vertices"]}
        for vertex, need in needs.items():
            most = 1 if "ticks" in names[vertex].lower() or "source" in names[vertex].lower() else tasks
            need["parallelism"] = {"lowerBound": 1, "upperBound": most}
        self.ask(f"/jobs/{job}/resource-requirements", needs, "PUT")
        return until(lambda: self.is_running() and self.tasks() == tasks, 120.0)

    def tasks(self) -> int:
        """Those that look at runs."""
        return max(int(vertex["parallelism"]) for vertex in self.ask(f"/jobs/{self.job()}")["vertices"])

    def restored(self) -> int:
        """How often the job was taken up from a checkpoint, as JobManagers told."""
        logs = self.folder.glob("flink--standalonesession-*.log*")
        return sum(log.read_bytes().count(b"Restoring job") for log in logs)

    def _configure(self) -> None:
        shutil.copytree(flink_home() / "conf", conf := self.folder / "conf", dirs_exist_ok=True)
        ports = self.ports
        (conf / "zoo.cfg").write_text(
            f"tickTime=1000\ninitLimit=10\nsyncLimit=5\ndataDir={self.folder}/zookeeper\nclientPort={ports['zk']}\n"
            f"admin.enableServer=false\nserver.1=127.0.0.1:{ports['zk-a']}:{ports['zk-b']}\n"
        )
        told = {
            "env.java.opts.all": _opens(conf / "config.yaml"),
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": ports["rest"],
            "high-availability.type": "zookeeper",
            "high-availability.zookeeper.quorum": f"127.0.0.1:{ports['zk']}",
            "high-availability.storageDir": f"file://{self.folder}/ha",
            "high-availability.zookeeper.client.tolerate-suspended-connections": "true",
            "jobmanager.scheduler": "adaptive",
            "jobmanager.adaptive-scheduler.submission.resource-wait-timeout": "600 s",
            "jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout": "2 s",
            "jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling": "1 s",
            "jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout": "2 s",
            "jobmanager.memory.process.size": "900m",
            "jobmanager.memory.heap.size": "400m",
            "taskmanager.memory.process.size": "1100m",
            "taskmanager.memory.managed.size": "64m",
            "taskmanager.memory.network.min": "32m",
            "taskmanager.memory.network.max": "64m",
            "taskmanager.numberOfTaskSlots": self.slots,
            "taskmanager.load-balance.mode": "SLOTS",
            "heartbeat.timeout": "20000",
            "heartbeat.interval": "3000",
        }
        del told["jobmanager.memory.heap.size"]
        (conf / "config.yaml").write_text("".join(f"{name}: {value}\n" for name, value in told.items()))


def _opens(config: Path) -> str:
    """What Flink's own configuration lets itself into."""
    (line,) = (line for line in config.read_text().splitlines() if line.strip().startswith("all: "))
    return line.partition("all: ")[2]
