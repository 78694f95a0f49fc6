"""When was /metrics scraped, and is the next scrape worth waiting for?"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise

__all__ = ["SLACK", "Visits"]

SLACK = 1.0
"""Seconds that a scrape may be late."""
_KEPT = 6
"""Scrapes whose times are kept: the longest gap between them is the interval, though two may scrape in turn."""


class Visits:
    """Keeps the times of the last scrapes, in seconds of `clock`. Any thread may be in any of its methods."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: deque[float] = deque(maxlen=_KEPT)
        self._answered = threading.Condition()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Around a scrape. It counts when its answer is out, as of the time at which it began."""
        began = self._clock()
        yield
        with self._answered:
            self._began.append(began)
            self._answered.notify_all()

    def wait(self, limit: float) -> bool:
        """Wait for a scrape that begins from now on; whether one came.

        Nobody is waited for who is not due within `limit` seconds, or who has scraped fewer than two times.
        """
        now = self._clock()
        with self._answered:
            if len(self._began) < 2:
                return False
            due = max(self._began) + max(abs(after - before) for before, after in pairwise(self._began))
            if not now - SLACK <= due <= now + limit:
                return False
            return self._answered.wait_for(lambda: max(self._began) >= now, due + SLACK - now)
