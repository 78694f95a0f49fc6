"""A bounded buffer and the thread that empties it: started by the first entry, supervised, flushed with a deadline."""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from nissa.events.kind import Importance
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.hub.priority_buffer import Entry, PriorityBuffer

__all__ = ["SLICE", "Worker"]

SLICE = 256
"""Entries handled before others get their turn at the interpreter."""
_YIELD = 0.00005
_QUIET = 0.5
"""Seconds between two calls of `settle` while nothing comes."""
_SHARES = (0.6, 0.8, 1.0)
"""Of the time that the end may take: for all, without what is bulk, and for what happened once alone."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 5.0


class Worker:
    """Handles entries one by one, in order, on a daemon thread.

    `handle` says what became of its entry, for the books of `buffer`; where it says nothing, it was "delivered", and
    where it raises, it "failed". Where there is a `handle_run`, it handles what the buffer has in hand together, and
    says so of each. `settle` is called after each slice, with whether the buffer ran empty, and says
    whether what was handled so far is out of the worker's hands. `end` is called last, and once. A thread that dies is
    started again: the entry that killed it is skipped, and pauses double.
    """

    def __init__(
        self,
        name: str,
        faults: FaultLog,
        *,
        capacity: int,
        poll: float,
        handle: Callable[[Entry], str | None],
        settle: Callable[[bool], bool],
        end: Callable[[], None],
        handle_run: Callable[[Sequence[Entry]], Sequence[str]] | None = None,
    ) -> None:
        self.name = name
        self.buffer = PriorityBuffer(capacity, on_first=self._begin)
        self.stopping = threading.Event()
        self.restarts = 0
        self._faults, self._poll = faults, poll
        self._handle, self._settle, self._end = handle, settle, end
        self._handle_run = handle_run
        self.cpu = 0.0
        """Seconds that its thread has computed, up to its last slice."""
        self._settled = 0
        self._given_up = False
        # Unlike an Event, it may be put to in the middle of a put, as a signal handler does that flushes.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"nissa-{name}", daemon=True)

    def flush(self, deadline: float) -> bool:
        """Wait until what was accepted before this call is settled, at most until `deadline` of time.monotonic()."""
        target = self.buffer.accepted
        mine = self.is_calling()
        while self._settled < target and self._thread.is_alive() and not mine and time.monotonic() < deadline:
            self._rouse()
            time.sleep(0.001)
        return self._settled >= target

    def stop(self) -> None:
        """Accept nothing more, and end when all is handled."""
        self.buffer.close()
        self.stopping.set()
        self._rouse()

    def join(self, deadline: float) -> None:
        """Wait for the end. A thread that is busy past `deadline` is left behind, and what it has not done is dropped.

        While there is still time for what is more important, the rest is dropped.
        """
        if self._thread.ident is None:
            # Ending may take as long as anything: it is a thread's, which can be left behind.
            with suppress(RuntimeError):
                self._thread.start()
        if self._thread.ident is None:
            self._end_guarded()
        elif not self.is_calling():
            self._await_end(deadline)
            if self._thread.is_alive():
                self._faults.report(self.name, TimeoutError("still busy at the end, so it was left behind"))
            self.give_up()
            self.buffer.abandon()

    def _await_end(self, deadline: float) -> None:
        begun = time.monotonic()
        for share, shed in zip(_SHARES, Importance, strict=True):
            self._thread.join(max(0.0, begun + share * (deadline - begun) - time.monotonic()))
            if not self._thread.is_alive():
                return
            if share < 1:
                self.buffer.shed(shed)

    def is_calling(self) -> bool:
        """Whether this is the worker's own thread, which cannot wait for itself."""
        return threading.current_thread() is self._thread

    def give_up(self) -> None:
        """Called by `handle`: the rest of the buffer is not worth trying."""
        self._given_up = True

    def after_fork(self) -> None:
        """In a forked child, where the thread did not come along: accept nothing, and close without waiting."""
        self.buffer.after_fork()

    def _rouse(self) -> None:
        if self._wake.empty():
            self._wake.put(None)

    def _begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._rouse()

    def _run(self) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            try:
                self._drain()
                break
            except BaseException as error:  # noqa: BLE001  # the thread must not stop in silence
                self.restarts += 1
                self._faults.report(self.name, error)
                self.stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        self._end_guarded()

    def _end_guarded(self) -> None:
        try:
            self._end()
        except BaseException as error:  # noqa: BLE001  # as above; to try it again would be to hear it again
            self._faults.report(self.name, error)

    def _drain(self) -> None:
        while not self._given_up:
            # Read first: what comes in before the end is told is handled before the end.
            stopping, before = self.stopping.is_set(), self.buffer.accepted
            handled, last = self._handle_runs(self._handle_run) if self._handle_run else self._handle_each()
            if settled := self._settle(not handled):
                self._settled = last + 1 if handled else before
            self.cpu = time.thread_time()
            if handled == SLICE:
                time.sleep(_YIELD)
            elif not handled and stopping:
                return
            else:
                # What comes within a poll is handled together; after one without anything, the next entry calls.
                quiet = settled and not handled and self.buffer.park()
                self._doze(_QUIET if quiet else self._poll)

    def _handle_each(self) -> tuple[int, int]:
        """Handle some entries; how many, and the ticket of the last one."""
        handled, last = 0, -1
        while handled < SLICE and not self._given_up and (entry := self.buffer.take()):
            fate = "failed"
            try:
                fate = self._handle(entry) or "delivered"
            finally:
                self.buffer.settle(fate)
            handled, last = handled + 1, entry[0]
        return handled, last

    def _handle_runs(self, handle: Callable[[Sequence[Entry]], Sequence[str]]) -> tuple[int, int]:
        """The same with those that are in hand together."""
        handled, last = 0, -1
        while handled < SLICE and not self._given_up and (run := self.buffer.take_run()):
            fates: Sequence[str] = ["failed"] * len(run)
            try:
                fates = handle(run)
            finally:
                self.buffer.settle(*fates)
            handled, last = handled + len(run), run[-1][0]
        return handled, last

    def _doze(self, seconds: float) -> None:
        # Nothing can call any more once the end was told.
        try:
            self._wake.get(timeout=0.0 if self.stopping.is_set() else seconds)
        except queue.Empty:
            return
