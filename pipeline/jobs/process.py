"""The process that compares the ranks, as rank 0 has it: started, and started again when it dies."""

import os
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.jobs.job_log import JOB, is_compared
from nissa.pipeline.own_process import Process, keep_up, started
from nissa.sinks.serving import OPEN, Guard, url

__all__ = ["OUTPUT", "JobProcess"]

OUTPUT = "collector.log"
"""What the process writes to its terminal, in the directory of the job's own run."""
_LEAST = 2.0
"""Seconds that the end of rank 0 waits at most for the job to be over."""
_PAUSE = 0.01


class JobProcess:
    """Compares the ranks in a folder, until the job is over, in a process of its own.

    `metrics` is a socket that listens, which it is to serve to those whom `guard` lets in. The process is a session of
    its own, and goes on without the trainer. Raises OSError.
    """

    def __init__(
        self, folder: Path, metrics: socket.socket | None, linger: float, faults: FaultLog, *, guard: Guard = OPEN
    ) -> None:
        self._folder, self._metrics, self._linger, self._faults = folder, metrics, linger, faults
        self._guard, self._ending = guard, threading.Event()
        self.url = url(metrics, "/metrics", guard) if metrics else None
        """Where the metrics are, if they are served."""
        self._process = self._start()
        threading.Thread(target=self._watch, name="nissa-job", daemon=True).start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def close(self) -> None:
        """Rank 0 ends: start no other one, and wait a moment for this one, which goes on if there is more to do.

        Only where all is compared is the scrape of the end waited for: another rank may go on for days.
        """
        self._ending.set()
        if self._metrics:
            self._metrics.close()
        deadline = time.monotonic() + _LEAST
        while is_compared(self._folder) and self._process.poll() is None and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        linger = self._linger if self._metrics and not is_compared(self._folder) else 0.0
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()) + linger)

    def after_fork(self) -> None:
        """In a forked child: the process is the parent's."""
        self._ending.set()
        if self._metrics:
            self._metrics.close()

    def _start(self) -> Process:
        (own := self._folder / JOB).mkdir(parents=True, exist_ok=True)
        handed = [self._metrics.fileno()] if self._metrics else []
        arguments = [os.fspath(self._folder), str(self._linger)]
        return started("nissa.pipeline.jobs", arguments, handed, own / OUTPUT, self._guard if handed else None)

    def _watch(self) -> None:
        keep_up(lambda: self._process, self._start_again, self._died, self._ending)

    def _start_again(self) -> None:
        self._process = self._start()

    def _died(self, status: int) -> None:
        told = f"what compares the ranks ended with status {status}; see {JOB}/{OUTPUT}"
        self._faults.report("job", RuntimeError(told))
