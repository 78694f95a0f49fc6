"""Work that a thread does for who asks: one at a time, with rests, so that many who ask cost little more than one."""

import asyncio
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

__all__ = ["BusyError", "Turns"]

Result = TypeVar("Result")
_MOST = 16
"""Different pieces of work that wait."""


class BusyError(Exception):
    """So much waits already that nothing else is taken."""


class Turns(Generic[Result]):
    """After each piece of work there is a rest that is `rest` times as long as it took of a processor.

    Who asks for the same key, while nobody has begun with it, shares what comes of it.
    """

    def __init__(self, rest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest, self._clock, self._again = rest, clock, 0.0
        self.cpu = 0.0
        """Seconds that all work has computed, each on a thread of its own and one at a time."""
        self._one = asyncio.Lock()
        self._waiting: dict[Hashable, asyncio.Task[Result]] = {}

    async def take(self, key: Hashable, work: Callable[[], Result]) -> Result:
        """What the work comes to, begun from now on. Raises BusyError, and what the work raises."""
        if key not in self._waiting:
            if len(self._waiting) >= _MOST:
                raise BusyError
            self._waiting[key] = asyncio.create_task(self._turn(key, work))
        return await asyncio.shield(self._waiting[key])

    async def _turn(self, key: Hashable, work: Callable[[], Result]) -> Result:
        async with self._one:
            await asyncio.sleep(self._again - self._clock())
            del self._waiting[key]
            return await asyncio.wrap_future(self._begun(work))

    def _begun(self, work: Callable[[], Result]) -> "Future[Result]":
        """Done on a daemon thread: work that hangs keeps no process from ending."""
        done: Future[Result] = Future()

        def run() -> None:
            began = time.thread_time()
            try:
                give: Callable[[], None] = partial(done.set_result, work())
            except BaseException as error:  # noqa: BLE001  # it is whose who asked, and one that exits would end the loop
                told = error if isinstance(error, Exception) else RuntimeError(repr(error))
                give = partial(done.set_exception, told)
            # What it waited for a busy machine cost nobody else anything.
            took = time.thread_time() - began
            self._again, self.cpu = self._clock() + self._rest * took, self.cpu + took
            give()

        threading.Thread(target=run, name="nissa-answer", daemon=True).start()
        return done
