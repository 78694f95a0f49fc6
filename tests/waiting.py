"""Waiting for what must come, with a limit that no machine needs, however busy: only what never comes is late."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["LIMIT", "TRAINED", "hanging", "until"]

LIMIT = 120.0
"""Seconds."""
TRAINED = 1800.0
"""Seconds for a command that trains."""


def until(condition: Callable[[], object]) -> None:
    """Return as soon as the condition holds. Raises TimeoutError if it never does."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {LIMIT} seconds")
        time.sleep(0.01)


@contextmanager
def hanging() -> Iterator[Callable[[object], None]]:
    """A sink that hangs to the end of the block. What waits for it is let go in the end, and told by AssertionError."""
    over, waited = threading.Event(), list[object]()

    def hang(event: object) -> None:
        if not over.wait(LIMIT):
            waited.append(event)
            over.set()

    try:
        yield hang
    finally:
        over.set()
    assert not waited, "something waited for a sink that hangs"
