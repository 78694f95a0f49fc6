"""What is done to a cluster while it works: each a function of the field, called once the runs are being written."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.cluster.field import Field
from tests.cluster.writers import Spec

__all__ = ["TRIALS", "Trial"]


@dataclass(frozen=True)
class Trial:
    name: str
    fault: Callable[[Field], object]
    spec: Spec = field(default_factory=lambda: Spec("", first=7200, rate=60.0, most=8700))
    resumed: bool = False
    """Whether the writers die in the middle of a line, and others go on."""


def _nothing(_: Field) -> None:
    pass


def _process(field: Field, name: str) -> str:
    """Of the TaskManagers, the "busy" one has most tasks. One without a task would be killed for nothing."""
    return field.cluster.by_tasks()[name == "other"] if name in {"busy", "other"} else name


def _worker(name: str, times: int = 1, pause: float = 4.0) -> Callable[[Field], None]:
    def fault(field: Field) -> None:
        for n in range(times):
            time.sleep(pause * (n > 0))
            field.cluster.kill_worker(_process(field, name))

    return fault


def _killed(*names: str, away: float = 1.0) -> Callable[[Field], None]:
    def fault(field: Field) -> None:
        chosen = [_process(field, name) for name in names]
        for name in chosen:
            field.cluster.kill(name)
        time.sleep(away)
        for name in chosen:
            field.cluster.start(name)

    return fault


def _worker_and_manager(field: Field) -> None:
    busy, other = field.cluster.by_tasks()
    field.cluster.kill(busy)
    field.cluster.kill_worker(other)
    field.cluster.start(busy)


def _in_checkpoint(name: str, *, worker: bool = False) -> Callable[[Field], None]:
    def fault(field: Field) -> None:
        cluster, chosen = field.cluster, _process(field, name)
        workers = cluster.workers(chosen) if worker else []
        checkpoint = cluster.begun_checkpoint()
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        if not worker:
            cluster.kill(chosen)
        was_complete = cluster.completed(checkpoint)
        if not worker:
            cluster.start(chosen)
        if was_complete:
            raise LookupError(f"checkpoint {checkpoint} was complete before")

    return fault


def _full(which: str) -> Callable[[Field], None]:
    def fault(field: Field) -> None:
        ballast = field.fill(getattr(field, which))
        time.sleep(12.0)
        ballast.unlink()

    return fault


def _rescaled(*tasks: int) -> Callable[[Field], None]:
    def fault(field: Field) -> None:
        for count in tasks:
            if not field.cluster.rescale(count):
                raise TimeoutError(f"it does not come to {count} tasks")

    return fault


_LIVE = Spec("", first=7200, rate=60.0, most=8700)
TRIALS = [
    Trial("no fault", _nothing),
    Trial("kill -9 of a Python worker", _worker("busy")),
    Trial("a Python worker twice, 4 s between", _worker("busy", 2)),
    Trial("a TaskManager, back after 1 s", _killed("busy")),
    Trial("a TaskManager, back after 12 s", _killed("busy", away=12.0)),
    Trial("the JobManager, back after 1 s", _killed("jm")),
    Trial("the JobManager once more, back after 5 s", _killed("jm", away=5.0)),
    Trial("ZooKeeper, back after 2 s", _killed("zk", away=2.0)),
    Trial("both TaskManagers at once", _killed("tm1", "tm2")),
    Trial("JobManager and TaskManager at once", _killed("jm", "busy")),
    Trial("ZooKeeper and JobManager at once", _killed("zk", "jm", away=2.0)),
    Trial("a TaskManager and the other's worker at once", _worker_and_manager),
    Trial("a TaskManager during a checkpoint", _in_checkpoint("busy")),
    Trial("the JobManager during a checkpoint", _in_checkpoint("jm")),
    Trial("a worker during a checkpoint", _in_checkpoint("busy", worker=True)),
    Trial("no room in --out for 12 s", _full("out")),
    Trial("no room in --checkpoints for 12 s", _full("checkpoints")),
    Trial("writers stop in mid-line for 10 s", _nothing, Spec("", first=7200, rate=100.0, most=8700, pause=10.0)),
    Trial("writers killed in mid-line, and resumed", _nothing, _LIVE, resumed=True),
    Trial("a segment missing for 10 s", _nothing, Spec("", first=7000, rate=100.0, most=8700, rotate=500, aside=15)),
    Trial(
        "a segment missing, and a worker killed",
        _worker("busy"),
        Spec("", first=7000, rate=100.0, most=8700, rotate=500, aside=15),
    ),
    Trial("rescaled from 2 to 1, 2, 4 and 1 tasks", _rescaled(1, 2, 4, 1, 2)),
]
