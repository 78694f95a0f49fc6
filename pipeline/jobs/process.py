"""The process that compares the ranks, as rank 0 has it: started, and started again when it dies."""

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.jobs.job_log import JOB
from nissa.sinks.serving import OPEN, Guard, url

__all__ = ["OUTPUT", "JobProcess"]

OUTPUT = "collector.log"
"""What the process writes to its terminal, in the directory of the job's own run."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
_LEAST = 2.0
"""Seconds that the end of rank 0 waits at most for the job to be over."""


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
        """Rank 0 ends: start no other one, and wait a moment for this one, which goes on if there is more to do."""
        self._ending.set()
        if self._metrics:
            self._metrics.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LEAST + (self._linger if self._metrics else 0.0))

    def after_fork(self) -> None:
        """In a forked child: the process is the parent's."""
        self._ending.set()
        if self._metrics:
            self._metrics.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        (self._folder / JOB).mkdir(parents=True, exist_ok=True)
        handed = [self._metrics.fileno()] if self._metrics else []
        web_config = [os.path.abspath(self._guard.file)] if handed and self._guard.file else []
        command = [sys.executable, "-m", "nissa.pipeline.jobs", os.fspath(self._folder), str(self._linger)]
        with (self._folder / JOB / OUTPUT).open("ab") as output:
            return subprocess.Popen(
                [*command, *map(str, handed), *web_config],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=handed,
                start_new_session=True,
            )

    def _watch(self) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            status = self._process.wait()
            if status == 0 or self._ending.is_set():
                return
            self._faults.report("job", RuntimeError(f"what compares the ranks ended with status {status}"))
            if self._ending.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)
            with suppress(OSError):
                self._process = self._start()
