"""When did Prometheus scrape, and which scrapes are due? The end of a run waits for those, and for nobody else."""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from email.message import Message
from typing import NamedTuple

__all__ = ["MAX_SCRAPERS", "SLACK", "TIMEOUT_HEADER", "Visits", "due"]

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
"""Only who scrapes sends it. It is never more than the interval; a look by hand, or a probe, has none."""
SLACK = 1.0
"""Seconds that a scrape may be late."""
MAX_SCRAPERS = 16
"""Addresses and agents that are told apart; of more, the one that was silent longest is forgotten."""
_KEPT = 8
"""Scrapes of each whose times are kept."""
_JITTER = 0.1
"""Two gaps that differ by no more of the timeout are the same interval."""


class _Scraper(NamedTuple):
    timeout: float
    """Seconds in which it wants an answer."""
    began: deque[float]
    """When its last scrapes began."""


class Visits:
    """Keeps the times of the last scrapes, in seconds of `clock`. Any thread may be in any of its methods."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._scrapers: OrderedDict[object, _Scraper] = OrderedDict()
        self._answered = threading.Condition()

    def note(self, address: str, headers: Message, began: float) -> None:
        """A request that began then was answered; it counts if it is a scrape."""
        timeout = _seconds(headers.get(TIMEOUT_HEADER))
        if timeout is None:
            return
        who = address, headers.get("User-Agent")
        with self._answered:
            before = self._scrapers.pop(who, None)
            times = before.began if before else deque[float](maxlen=_KEPT)
            times.append(began)
            self._scrapers[who] = _Scraper(timeout, times)
            if len(self._scrapers) > MAX_SCRAPERS:
                self._scrapers.popitem(last=False)
            self._answered.notify_all()

    def wait(self, limit: float) -> bool:
        """Wait until all who are due within `limit` seconds began a scrape from now on; False if one did not come."""
        end = self.clock()
        with self._answered:
            while times := self._due(end, limit):
                if not self._answered.wait(min(max(times) + SLACK, end + limit) - self.clock()):
                    return False
        return True

    def _due(self, end: float, limit: float) -> list[float]:
        now, known = self.clock(), self._scrapers.values()
        times = [time for one in known for time in due(one.timeout, sorted(one.began), end, limit)]
        return [time for time in times if time >= now - SLACK]


def due(timeout: float, began: Sequence[float], end: float, limit: float) -> list[float]:
    """When will those who scraped at these times do so again, of whom none has since `end`, if within `limit` seconds?

    Replicas on one host look like one scraper, and so do two behind one address. They are as many as it takes for
    each to have the same interval, which is no less than the timeout. (Those that take turns evenly, each waiting for
    the timeout or longer after the other, pass for one.) Where nobody came twice the interval is not known, and each
    may come until the limit.

    >>> due(10.0, [0.0, 15.0, 30.0], end=31.0, limit=20.0)
    [45.0]
    >>> due(10.0, [0.0, 3.0, 15.0, 18.0], end=20.0, limit=20.0)
    [30.0, 33.0]
    >>> due(10.0, [0.0], end=1.0, limit=20.0)
    [21.0]
    """
    for replicas in range(1, len(began)):
        gaps = list(_gaps(began, replicas))
        if min(gaps) >= (1 - _JITTER) * timeout and max(gaps) - min(gaps) <= _JITTER * timeout:
            again = [time + gaps[-1] for time in began[-replicas:] if time < end]
            return [time for time in again if time <= end + limit]
    return [end + limit for time in began if time < end]


def _gaps(began: Sequence[float], replicas: int) -> Iterator[float]:
    """From each scrape to the next one of the same replica, if they take turns."""
    return (after - before for before, after in zip(began, began[replicas:], strict=False))


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < math.inf else None
