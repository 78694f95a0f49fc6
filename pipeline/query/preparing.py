"""Tables of many runs at once, by as many processes as there are cores. The caches are shared.

They are started afresh: a fork of a program with threads may hang, and multiprocessing would run a user's script again.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from nissa.pipeline.query.cache import RunTables
from nissa.pipeline.sources import UnreadableRunError

__all__ = ["prepare", "work"]

_WORTH = 1 << 24
"""Bytes of logs for which it is worth it to start processes."""
_PROGRAM = "from nissa.pipeline.query.preparing import work; work()"


def prepare(runs: Sequence[RunTables], parts: Iterable[str]) -> None:
    """Make what can be kept. What fails here is made again where it is needed, and then says why it fails."""
    names = sorted(parts)
    new = [run for run in runs if any(not run.is_kept(part) for part in names)]
    processes = min(len(os.sched_getaffinity(0)), len(new))
    if processes < 2 or sum(run.size for run in new) < _WORTH:
        return
    # The largest come first, so that no one is left to the end.
    order = [os.fsencode(run.path.absolute()) for run in sorted(new, key=lambda run: -run.size)]
    workers = [_worker(names, order[n::processes]) for n in range(processes)]
    try:
        for worker in workers:
            worker.wait()
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def work() -> None:
    """In a process of its own: parts as arguments, runs on the standard input."""
    for path in sys.stdin.buffer.read().split(b"\0"):
        with suppress(UnreadableRunError, OSError):
            run = RunTables(Path(os.fsdecode(path)))
            for part in sys.argv[1:]:
                run.keep(part)


def _worker(parts: Sequence[str], paths: Sequence[bytes]) -> "subprocess.Popen[bytes]":
    quiet = subprocess.DEVNULL
    command = [sys.executable, "-c", _PROGRAM, *parts]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet)
    with suppress(BrokenPipeError), worker.stdin:  # type: ignore[union-attr]  # it is a pipe
        worker.stdin.write(b"\0".join(paths))  # type: ignore[union-attr]
    return worker
