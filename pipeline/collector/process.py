"""The collector's process, as the trainer has it: started, started again when it dies, and asked."""

import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from nissa.events.kinds import PipelineState
from nissa.pipeline.collector.answers import ask, ends
from nissa.pipeline.collector.control import CONTROL, Control
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.own_process import Process, keep_up, started
from nissa.sinks.serving import OPEN, Guard, url

__all__ = ["OUTPUT", "CollectorProcess"]

OUTPUT = "collector.log"
"""What a collector writes to its terminal, in the run directory."""
_POLL = 0.001
_KEPT = ("snapshot", "state", "news")
"""What may be asked after the end of the run."""
_LEAST = 1.0
"""Seconds that a process is given to end itself when all is done."""
_STATE = TypeAdapter(PipelineState)
_BEHIND = "the collector of {} is behind; it goes on, and `nissa collect` goes on where it does not"


class CollectorProcess:
    """Collects the run in a directory in a process of its own, until the run has ended.

    `metrics` is a socket that listens, which the process is to serve to those whom `guard` lets in, and `written` says
    the number behind that of the last event in the log. The process is a session of its own, so that a Ctrl-C in the
    trainer's terminal does not end it, and it says nothing there. Raises OSError.
    """

    def __init__(
        self,
        directory: Path,
        metrics: socket.socket | None,
        linger: float,
        faults: FaultLog,
        written: Callable[[], int],
        *,
        guard: Guard = OPEN,
    ) -> None:
        self._directory, self._metrics, self._linger, self._faults = directory, metrics, linger, faults
        self._guard, self._written = guard, written
        self.url = url(metrics, "/metrics", guard) if metrics else None
        """Where the metrics are, if they are served."""
        self.control = Control.make(directory / CONTROL)
        self._last: dict[str, Any] = {}
        """Answers that are kept when the run has ended."""
        self._connection: Connection | None = None
        self._asking, self._numbers = threading.Lock(), itertools.count()
        self._ending = threading.Event()
        self._process = self._start()
        threading.Thread(target=self._watch, name="nissa-collector", daemon=True).start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self, question: str, timeout: float) -> Any:
        """What the collector knows, or knew at the end of the run. Raises TimeoutError."""
        if question in self._last:
            return self._last[question]
        deadline = time.monotonic() + timeout
        if not self._asking.acquire(timeout=timeout):
            raise TimeoutError("the collector is asked by another thread")
        try:
            while connection := self._connection:
                try:
                    return ask(connection, question, next(self._numbers), max(0.0, deadline - time.monotonic()))
                except TimeoutError:
                    # It may have died, and be there again in a moment.
                    if time.monotonic() >= deadline:
                        raise
                    time.sleep(_POLL)
            raise TimeoutError("there is no collector")
        finally:
            self._asking.release()

    def state(self, timeout: float) -> PipelineState:
        """The collector's account of the pipeline. Raises TimeoutError."""
        return _STATE.validate_python(self.ask("state", timeout))

    def flush(self, deadline: float) -> bool:
        """Wait until all that is written now went through the collector; False at `deadline` of time.monotonic()."""
        following = self._written()
        while self.control.read < following:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        return True

    def close(self, deadline: float) -> None:
        """The run has ended: wait until `deadline` of time.monotonic() for the rest to be worked off.

        The process ends by itself when there is nothing left to do, and the end was scraped, which is waited for.
        """
        kept = self.flush(deadline) and self._keep_answers(deadline)
        self._ending.set()
        self._hang_up()
        if self._metrics:
            self._metrics.close()
        # Once: whoever interrupts this does not want to wait again.
        linger, self._linger = self._linger, 0.0
        try:
            # The port is given back with its end.
            self._process.wait(max(_LEAST, deadline - time.monotonic()) + linger if kept else 0.0)
        except subprocess.TimeoutExpired:
            self._faults.tell(_BEHIND.format(self._directory))

    def after_fork(self) -> None:
        """In a forked child: the collector is the parent's."""
        self._ending.set()
        self._asking = threading.Lock()
        self._hang_up()
        if self._metrics:
            self._metrics.close()

    def _hang_up(self) -> None:
        """Nothing will be asked any more, for which a collector waits whose run has ended."""
        connection, self._connection = self._connection, None
        if connection:
            connection.close()

    def _keep_answers(self, deadline: float) -> bool:
        """Whether what is asked after the end is known."""
        try:
            self._last = {name: self.ask(name, max(0.0, deadline - time.monotonic())) for name in _KEPT}
        except TimeoutError:
            return False
        return True

    def _start(self) -> Process:
        mine, its = ends()
        handed = [its.fileno(), *([self._metrics.fileno()] if self._metrics else [])]
        arguments = [os.fspath(self._directory), str(self._linger)]
        guard = self._guard if self._metrics else None
        with its:
            process = started("nissa.pipeline.collector", arguments, handed, self._directory / OUTPUT, guard)
        self._connection = mine
        return process

    def _watch(self) -> None:
        keep_up(lambda: self._process, self._start_again, self._died, self._ending)

    def _start_again(self) -> None:
        self._process = self._start()
        if self._ending.is_set():
            self._hang_up()

    def _died(self, status: int) -> None:
        self._faults.report("collector", RuntimeError(f"the collector ended with status {status}; see {OUTPUT}"))
