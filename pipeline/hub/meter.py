"""How much CPU time do the trainer's own threads give to telemetry? Emitting is sampled, looks are timed.

>>> meter = Meter()
>>> with meter.looking():
...     _ = sum(range(10_000))
>>> meter.measuring > 0, meter.emitting
(True, 0.0)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import get_ident
from time import thread_time

__all__ = ["SAMPLED", "Meter"]

SAMPLED = 251
"""Of so many emits one is timed, and stands for all: a prime, so that no regular loop has the same one timed always."""
_ONE_OFF = 1e-4
"""Seconds from which on an emit stands for itself alone, as the first of a kind does."""
_CLOCK = min(-thread_time() + thread_time() for _ in range(9))
"""Seconds that are seen between two looks at the clock with nothing in between."""


class Meter:
    """Seconds of CPU, of whichever threads emit and look. Safe to use from any thread; a sum may miss a sample then."""

    def __init__(self) -> None:
        self.emitting = self.measuring = 0.0
        """Estimated of what is emitted outside of looks; and taken of the looks, with what they emit."""
        self.steps = 0
        """Steps of training that were made."""
        self.sampled: Iterator[bool] = cycle((*(SAMPLED - 1) * (False,), True))
        """Whether the next emit is to be timed: one `next` for each."""
        self._looking = set[int]()

    def emitted(self, began: float) -> None:
        """An emit that was to be timed, and began at `began` of `thread_time`, is done."""
        spent = max(0.0, thread_time() - began - _CLOCK)
        if get_ident() not in self._looking:
            self.emitting += spent if spent > _ONE_OFF else spent * SAMPLED

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What is done in the block is a look of a probe's; one inside another is part of it."""
        thread = get_ident()
        if thread in self._looking:
            yield
            return
        self._looking.add(thread)
        began = thread_time()
        try:
            yield
        finally:
            self.measuring += thread_time() - began
            self._looking.discard(thread)
