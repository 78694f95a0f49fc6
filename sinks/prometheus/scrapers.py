"""When did Prometheus scrape? The end of a run waits for the next scrape of each who does, and for nobody else."""

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from email.message import Message
from itertools import pairwise
from typing import NamedTuple

__all__ = ["MAX_SCRAPERS", "SLACK", "TIMEOUT_HEADER", "ScrapeTimes"]

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
"""Only who scrapes sends it; a look by hand, or a probe, has none."""
SLACK = 1.0
"""Seconds that a scrape may be late."""
MAX_SCRAPERS = 16
"""Addresses and agents that are told apart; of more, the one that was silent longest is forgotten."""
_KEPT = 4
"""Scrapes of each whose times are kept."""


class _Scraper(NamedTuple):
    address: str
    agent: str | None


class ScrapeTimes:
    """Keeps the times of the last scrapes, in seconds of `clock`. Any thread may be in any of its methods.

    Scrapers are told apart by address and agent. Replicas that share both count as one: the end waits for the next
    scrape of any of them, and the others may miss it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._began: OrderedDict[_Scraper, deque[float]] = OrderedDict()
        self._answered = threading.Condition()

    def note(self, address: str, headers: Message, began: float) -> None:
        """A request that began then was answered; it counts if it is a scrape."""
        if not _is_scrape(headers):
            return
        scraper = _Scraper(address, headers.get("User-Agent"))
        with self._answered:
            self._began.setdefault(scraper, deque(maxlen=_KEPT)).append(began)
            self._began.move_to_end(scraper)
            if len(self._began) > MAX_SCRAPERS:
                self._began.popitem(last=False)
            self._answered.notify_all()

    def wait(self, limit: float) -> bool:
        """Wait until all who are due within `limit` seconds began a scrape from now on; False if one did not come."""
        end = self.clock()
        with self._answered:
            while due := self._due(end, limit):
                if not self._answered.wait(min(max(due) + SLACK, end + limit) - self.clock()):
                    return False
        return True

    def _due(self, end: float, limit: float) -> list[float]:
        """The latest times at which those come who did not since `end`, and may within the limit."""
        due = [_next(sorted(began)) for began in self._began.values() if max(began) < end]
        now = self.clock()
        return [latest for soonest, latest in due if soonest <= end + limit and latest >= now - SLACK]


def _next(began: list[float]) -> tuple[float, float]:
    """When who scraped at these times does so again: after the shortest of the last gaps, or up to the longest.

    They differ where a scrape was missed, and where replicas that share an address take turns. Of whom too few scrapes
    are known, the next may come at any time.
    """
    if len(began) < _KEPT:
        return began[-1], math.inf
    gaps = [after - before for before, after in pairwise(began)]
    return began[-1] + min(gaps), began[-1] + max(gaps)


def _is_scrape(headers: Message) -> bool:
    try:
        return 0 < float(headers.get(TIMEOUT_HEADER, "")) < math.inf
    except ValueError:
        return False
