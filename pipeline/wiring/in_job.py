"""What of a run is the job's, where the process is a rank: the metrics, and who compares the ranks."""

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.rank import Job
from nissa.pipeline.wiring.wiring import Asked, Compare
from nissa.sinks.run_log import is_being_written, segments
from nissa.sinks.serving import listening

if TYPE_CHECKING:
    from nissa.pipeline.jobs import JobProcess

__all__ = ["shared_out"]

_PATIENCE, _PAUSE = 10.0, 0.05
"""Seconds for which a port is waited for that is about to be let go."""


@contextmanager
def shared_out(asked: Asked, job: Job | None) -> Iterator[tuple[Asked, Compare]]:
    """What is left for this process, and what starts the comparison of the ranks, once the rest of the run is made.

    Rank 0 starts it, where there is a log; then it serves the metrics, whose port is taken first. Without a log, rank 0
    serves its own. Raises OSError where the port cannot be had.
    """
    directory = asked.directory if asked.config.sinks.log else None
    if job is None or (job.rank == 0 and directory is None):
        yield asked, _nobody
    elif job.rank or directory is None:
        # One port of a machine is for one of its ranks.
        yield replace(asked, address=None), _nobody
    else:
        listens = _listening(asked, *asked.address) if asked.address else None
        try:
            yield replace(asked, address=None), lambda faults: _process(asked, listens, faults)
        except BaseException:
            if listens:
                listens.close()
            raise


def _listening(asked: Asked, address: str, port: int) -> socket.socket:
    """The port, where a process has it that outlived the rank 0 before this one: it is told to let go."""
    deadline, lets_go = time.monotonic() + _PATIENCE, False
    while True:
        try:
            return listening(address, port, asked.guard)
        except OSError as error:
            lets_go = lets_go or (error.errno == errno.EADDRINUSE and _let_go(asked))
            if not lets_go or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE)


def _let_go(asked: Asked) -> bool:
    from nissa.pipeline.jobs import take_over  # noqa: PLC0415

    assert asked.directory is not None
    # Where another rank 0 lives, this one is refused in a moment.
    is_rank_0_there = any(map(is_being_written, segments(asked.directory)[-1:]))
    return asked.resume and not is_rank_0_there and take_over(asked.directory.parent)


def _nobody(_: FaultLog) -> "JobProcess | None":
    return None


def _process(asked: Asked, listens: socket.socket | None, faults: FaultLog) -> "JobProcess":
    from nissa.pipeline.jobs import JobProcess  # noqa: PLC0415

    assert asked.directory is not None
    return JobProcess(asked.directory.parent, listens, asked.linger, faults, guard=asked.guard)
