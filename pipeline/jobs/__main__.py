"""The process that rank 0 starts: `python -m nissa.pipeline.jobs FOLDER LINGER [METRICS [WEB_CONFIG]]`.

METRICS is the number of a socket that listens.
"""

import logging
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.jobs.collected_job import CollectedJob
from nissa.pipeline.jobs.job_log import JOB, CompareElsewhereError
from nissa.pipeline.web_config import guard_of
from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.run_log import DEAD_LETTERS

__all__ = ["main", "pause"]

_POLL, _SHARE = 0.02, 4.0
"""Seconds between two looks while nothing comes at least, and so many times as long as one takes."""
_PATIENCE, _PAUSE = 10.0, 0.05
"""Seconds for which the process is waited for that did it before."""


def main(arguments: Sequence[str]) -> int:
    """Compare the ranks of a job until it is over, and wait for the scrape of its end."""
    folder, linger, *handed = arguments
    # A Ctrl-C is the trainers', which end their runs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    sink = PrometheusSink()
    job = _collected(Path(folder), {"prometheus": sink} if handed else {})
    server = None
    if handed:
        guard = guard_of(handed[1] if handed[1:] else None)
        server = MetricsServer(sink, socket.socket(fileno=int(handed[0])), guard)
        server.start()
    while not job.finished:
        began = time.monotonic()
        if not job.step():
            time.sleep(pause(time.monotonic() - began))
    job.close()
    logging.getLogger("nissa").info("%s", job.summary())
    if server:
        if job.state.ended and not job.yielded:
            server.wait_for_scrape(float(linger))
        server.close()
    return 0


def pause(took: float) -> float:
    """Seconds until the next look: of many ranks one takes long, and is not to take a core for nothing."""
    return max(_POLL, _SHARE * took)


def _collected(folder: Path, consumers: dict[str, PrometheusSink]) -> CollectedJob:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return CollectedJob(folder, consumers, FaultLog(folder / JOB / DEAD_LETTERS))
        except CompareElsewhereError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
