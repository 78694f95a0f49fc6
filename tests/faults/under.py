"""What holds under each fault, however different they are: emit returns, the books balance, the log says as much."""

import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nissa import Telemetry
from nissa.events.kinds import RunStarted
from tests.benchmarks.workload import mix
from tests.faults import disks, inside, sinks
from tests.faults.books import balanced, lines, of_sink, whole
from tests.faults.children import told

__all__ = ["FAULTS", "Fault", "emitted_under", "survives"]


class Fault(NamedTuple):
    """A fault, and what becomes of the log under it."""

    promise: int
    name: str
    begin: Callable[[Path], AbstractContextManager[Telemetry]]
    log: str = "whole"
    """"whole", "counted" (what is in it was written, and no more was said to be), or "removed"."""
    daily: bool = True
    """Whether it is tried every day; others have daily tests elsewhere."""


FAULTS = (
    Fault(5, "a sink that always raises", sinks.raising, daily=False),
    Fault(5, "a sink that raises one time in twenty", sinks.bursting_at_times, daily=False),
    Fault(5, "a sink that is slow", sinks.slow, daily=False),
    Fault(5, "a sink that hangs", sinks.hanging_sink, daily=False),
    Fault(5, "a sink that loses its server, and has it back", sinks.losing_its_server),
    Fault(5, "a disk that fills up", disks.filling_up, "counted", daily=False),
    Fault(5, "a disk that is full, and has room again", disks.freed),
    Fault(5, "a disk that hangs", disks.hanging_disk, "counted"),
    Fault(5, "a directory that is removed", disks.vanishing, "removed"),
    Fault(5, "a directory that may not be written", disks.read_only),
    Fault(6, "an operator that raises on some events, and one on all", inside.failing_operator),
    Fault(6, "dead letters on a disk that hangs", disks.hanging_dead_letters),
    Fault(6, "a logging handler that raises", inside.silent_logger, daily=False),
    Fault(3, "a buffer with room for one event", inside.no_room, "counted"),
    Fault(11, "a hub whose thread dies", inside.dying_hub, "counted"),
    Fault(10, "a clock that jumps both ways", inside.jumping_clock),
)
_EPOCHS = 12


def survives(fault: Fault, out: Path, _: random.Random) -> float:
    """Milliseconds of the longest `emit`, in a process of its own."""
    out.parent.chmod(0o755)
    return told(partial(emitted_under, fault, out))


def emitted_under(fault: Fault, out: Path) -> float:
    """The same in this process."""
    longest, told = 0, mix(_EPOCHS)
    with fault.begin(out) as telemetry:
        telemetry.emit(RunStarted())
        env = telemetry.scope(group="ppo", env=0)
        for episode, epoch, payload in told:
            env.move(episode=episode, epoch=epoch)
            begun = time.perf_counter_ns()
            env.emit(payload)
            longest = max(longest, time.perf_counter_ns() - begun)
    state = telemetry.state()
    balanced(state)
    assert state.accepted > len(told)
    if fault.log != "removed":
        assert of_sink(state, "log").written == lines(out)
    if fault.log == "whole":
        assert whole(out, len(told)).tables.snapshot() == telemetry.snapshot()
    return longest / 1e6
