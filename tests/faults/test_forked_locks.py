"""Locks that another thread holds at the moment of a fork, which nobody would release in the child."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nissa import Telemetry
from nissa.events.kinds import BatchCompleted
from tests.waiting import LIMIT

_PATIENCE = 20.0
_LOCKS: dict[str, Callable[[Telemetry], Any]] = {
    "buffer": lambda telemetry: telemetry._hub._worker.buffer._lock,
    "sink's buffer": lambda telemetry: telemetry._hub._sinks[0]._worker.buffer._lock,
    "counting": lambda telemetry: telemetry._hub.faults._counting,
    "burying": lambda telemetry: telemetry._hub.faults._burying,
    "telling": lambda telemetry: telemetry._hub._telling,
    "closing": lambda telemetry: telemetry.ending._closing,
}


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_lock_that_is_held_at_the_fork_is_none_of_the_childs(lock: str) -> None:
    telemetry, holds, over = Telemetry("run", sinks={"mine": print}), threading.Event(), threading.Event()
    telemetry.emit(BatchCompleted(batch=0, loss=1.0))
    telemetry.flush(LIMIT)

    def hold() -> None:
        with _LOCKS[lock](telemetry):
            holds.set()
            over.wait(LIMIT)

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(LIMIT)
    if not (child := os.fork()):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        telemetry.emit(BatchCompleted(batch=1, loss=1.0))
        telemetry.emit(3)  # type: ignore[arg-type]
        telemetry.state()
        telemetry.close()
        os._exit(0)
    over.set()
    thread.join()
    status = ended(child)
    telemetry.close()
    assert status == 0


def ended(child: int) -> int:
    """Its exit status; that of a kill where it hangs, which it may do in the very fork."""
    deadline = time.monotonic() + _PATIENCE
    while (found := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(found[1])
