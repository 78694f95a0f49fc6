"""A process that works beside the trainer: started as a session of its own, and started again when it dies.

A Ctrl-C in the trainer's terminal does not end it, and it says nothing there.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nissa.sinks.serving import Guard

__all__ = ["Process", "keep_up", "started"]

Process = subprocess.Popen[bytes]
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
_HEALTHY = 60.0
"""Seconds after which a process that dies is no longer one that cannot start."""


def started(module: str, arguments: list[str], handed: list[int], output: Path, guard: Guard | None) -> Process:
    """Run a module with arguments, then the numbers of descriptors that are handed to it, then the file of a guard.

    What it prints is added to `output`. Raises OSError.
    """
    web_config = [os.path.abspath(guard.file)] if guard and guard.file else []
    with output.open("ab") as printed:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments, *map(str, handed), *web_config],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            pass_fds=handed,
            start_new_session=True,
        )


def keep_up(
    current: Callable[[], Process], start: Callable[[], None], died: Callable[[int], None], ending: threading.Event
) -> None:
    """Start a process again whenever it ends with a status that is told to `died`, until `ending` or a status of 0."""
    pause = _SHORTEST_PAUSE
    while True:
        began = time.monotonic()
        status = current().wait()
        if status == 0 or ending.is_set():
            return
        pause = _SHORTEST_PAUSE if time.monotonic() - began > _HEALTHY else pause
        died(status)
        if ending.wait(pause):
            return
        pause = min(2 * pause, _LONGEST_PAUSE)
        with suppress(OSError):
            start()
