"""How does a run end? Once, however many ask for it: everything is written out, and the last scrape waited for."""

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from nissa.events.event import Scope
from nissa.events.kinds import RunEnded
from nissa.pipeline import process_exit
from nissa.pipeline.hub import Hub

if TYPE_CHECKING:
    # Whoever serves no metrics, or asks for no collector, need not load what does.
    from nissa.pipeline.collector import CollectorProcess
    from nissa.pipeline.jobs import JobProcess
    from nissa.sinks import LiveLines, MetricsServer

__all__ = ["Ending"]

_TIMEOUT = 5.0
_DROPPED = "the telemetry was dropped without being closed"


class Ending:
    """Ends a run. It knows the run's parts and not its `Telemetry`, so it also ends one that nobody holds any more.

    `linger` is how many seconds it waits at most for scrapes that are due.
    """

    def __init__(
        self,
        run: Scope,
        hub: Hub,
        linger: float,
        server: "MetricsServer | None" = None,
        collector: "CollectorProcess | None" = None,
        *,
        terminal: "LiveLines | None" = None,
        job: "JobProcess | None" = None,
    ) -> None:
        self._run, self._hub, self._linger, self._server, self._collector = run, hub, linger, server, collector
        self._terminal, self._job = terminal, job
        self._closing = threading.Lock()
        self._closer: int | None = None
        self._closed = self._told = False

    def flush(self, timeout: float = _TIMEOUT) -> bool:
        """Wait until what was emitted so far has passed every sink; False if `timeout` seconds were too few."""
        return self._hub.flush(timeout)

    def close(self, outcome: str = "completed", error: str | None = None, timeout: float = _TIMEOUT) -> None:
        """Within `timeout` seconds, and those for scrapes. Once done, it does nothing more."""
        if self._hub.is_calling():
            # The hub's thread cannot wait for itself.
            self._close_elsewhere(outcome, error, timeout)
            return
        # Not waited for: a signal may call this in the middle of itself.
        if self._closed or not self._closing.acquire(blocking=False):
            return
        self._closer = threading.get_ident()
        try:
            self._end(outcome, error, timeout)
            self._closed = True
        finally:
            self._closer = None
            self._closing.release()
        process_exit.unwatch(self)

    def close_dropped(self) -> None:
        """Called where nobody can emit any more, in the middle of whatever: it waits for nothing itself."""
        if not self._closed:
            # At the interpreter's end no thread can start, and what is open is closed anyway.
            with suppress(RuntimeError):
                self._close_elsewhere("interrupted", _DROPPED, _TIMEOUT)

    def closes_here(self) -> bool:
        """Whether this thread is in the middle of `close`."""
        return self._closer == threading.get_ident()

    def after_fork(self) -> None:
        """In a forked child: emit nothing, wait for nothing, serve nothing."""
        self._closed, self._closing, self._closer = True, threading.Lock(), None
        self._hub.after_fork()
        if self._server:
            self._server.after_fork()
        if self._collector:
            self._collector.after_fork()
        if self._terminal:
            self._terminal.after_fork()
        if self._job:
            self._job.after_fork()

    def _close_elsewhere(self, *how: object) -> None:
        threading.Thread(target=self.close, args=how, name="nissa-close", daemon=False).start()

    def _end(self, outcome: str, error: str | None, timeout: float) -> None:
        """A Ctrl-C in here leaves the rest to the next call."""
        deadline = time.monotonic() + timeout
        # Only when all has passed the sinks is it known what they dropped.
        self._hub.flush(timeout / 2)
        if not self._told:
            self._told = True
            self._hub.account()
            duration, cost = self._hub.uptime(), self._hub.cost()
            self._hub.put(RunEnded(outcome=outcome, error=error, duration=duration, cost=cost), self._run)
        self._hub.close(timeout / 2)
        if self._collector:
            self._collector.close(deadline)
        if self._terminal:
            self._terminal.close()
        self._tell_last_scrape()
        if self._server:
            self._server.close()
        if self._job:
            self._job.close()

    def _tell_last_scrape(self) -> None:
        """Once: whoever interrupts this does not want to wait again."""
        linger, self._linger = self._linger, 0.0
        if self._server and linger > 0:
            self._server.wait_for_scrape(linger)
