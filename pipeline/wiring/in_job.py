"""What of a run is the job's, where the process is a rank: the metrics, and who compares the ranks."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.rank import Job
from nissa.pipeline.wiring.wiring import Asked, Compare
from nissa.sinks.serving import listening

if TYPE_CHECKING:
    from nissa.pipeline.jobs import JobProcess

__all__ = ["shared_out"]


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
        listens = listening(*asked.address, asked.guard) if asked.address else None
        try:
            yield replace(asked, address=None), lambda faults: _process(asked, listens, faults)
        except BaseException:
            if listens:
                listens.close()
            raise


def _nobody(_: FaultLog) -> "JobProcess | None":
    return None


def _process(asked: Asked, listens: socket.socket | None, faults: FaultLog) -> "JobProcess":
    from nissa.pipeline.jobs import JobProcess  # noqa: PLC0415

    assert asked.directory is not None
    return JobProcess(asked.directory.parent, listens, asked.linger, faults, guard=asked.guard)
