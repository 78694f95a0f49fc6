"""Processes of a trial's own: forked from here, where all is loaded, and dead when the trial is over."""

import gc
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NamedTuple, TypeVar

from tests.waiting import LIMIT

__all__ = ["Running", "running", "told"]

T = TypeVar("T")
_FORK = multiprocessing.get_context("fork")


def told(work: Callable[[], T], seconds: float = LIMIT) -> T:
    """What `work` returns in a process of its own. Raises AssertionError with what went wrong there, or if it hangs.

    It does if it takes longer than so many `seconds`.
    """
    mine, its = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_tell, args=(its, work))
    process.start()
    its.close()
    try:
        assert mine.poll(seconds), "it hangs"
        fault, found = mine.recv()
    except EOFError:
        process.join()
        raise AssertionError(f"it died: {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
        mine.close()
    assert not fault, fault
    result: T = found
    return result


def _tell(to: Connection, work: Callable[[], object]) -> None:
    _quiet()
    # What was loaded before is no trainer's, and no work of its garbage collector.
    gc.freeze()
    try:
        to.send(("", work()))
    except BaseException:  # noqa: BLE001  # the parent shall hear of it, whatever it is
        to.send((traceback.format_exc(), None))


class Running(NamedTuple):
    """A process that may be killed at any moment, and how far it said to be."""

    process: BaseProcess
    acknowledged: Callable[[], int]
    """The last number that it said; it is there after a `kill -9`."""

    def ended(self) -> int | None:
        """Wait for the end; the exit status, negative for a signal. Raises AssertionError if it hangs."""
        self.process.join(LIMIT)
        assert self.process.exitcode is not None, "it hangs"
        return self.process.exitcode


@contextmanager
def running(work: Callable[[Callable[[int], None]], object]) -> Iterator[Running]:
    """Let `work` go on in a process of its own, which is gone after the block; it is given what takes its number."""
    said = _FORK.Value("Q", 0, lock=False)

    def say(number: int) -> None:
        said.value = number

    def at_work() -> None:
        _quiet()
        work(say)

    process = _FORK.Process(target=at_work)
    process.start()
    try:
        yield Running(process, lambda: said.value)
    finally:
        process.kill()
        process.join()


def _quiet() -> None:
    """What a part says of a fault that it was made to have is of no interest."""
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
