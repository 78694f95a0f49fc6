"""A process that has no more memory: the trainer is told by Python, and the log is whole so far."""

import os
import random
import resource
from collections.abc import Callable
from pathlib import Path

from nissa import Telemetry
from nissa.events.kinds import BatchCompleted, RunStarted
from tests.faults.books import consistent
from tests.faults.children import running
from tests.waiting import hanging

__all__ = ["runs_out"]

_ROOM = 96 << 20
_PIECE = 1 << 20


def runs_out(out: Path, _: random.Random) -> float:
    """A sink hangs, events are large, and the address space ends. How many emissions came back after that."""
    with running(lambda say: _emit(out, say)) as child:
        assert child.ended() == 7
    consistent(out, 100)
    return child.acknowledged()


def _emit(out: Path, say: Callable[[int], None]) -> None:
    with hanging() as hang:
        telemetry = Telemetry("run", out=out, sinks={"hung": hang}, linger=0.0)
        for batch in range(100):
            telemetry.emit(BatchCompleted(batch=batch, loss=1.0))
        telemetry._hub.flush(1.0)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _ROOM, resource.RLIM_INFINITY))
        came_back = 0
        for number in range(120):
            try:
                payload = RunStarted(hyperparameters={"text": f"{number}" + "x" * _PIECE})
            except MemoryError:
                payload = RunStarted()
                came_back += 1
            telemetry.emit(payload)
        say(came_back)
        os._exit(7)
