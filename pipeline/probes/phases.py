"""A clock for the phases of an epoch.

>>> clock = Phases()
>>> with clock("train"):
...     pass
>>> list(clock.take()), clock.take()
(['train'], {})
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Phases"]


class Phases:
    """Wall-clock seconds by phase, added up until they are taken.

    On a GPU it is the time until the work was queued, unless the phase ends with a transfer, which waits for it.
    """

    def __init__(self) -> None:
        self._durations: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """What runs inside counts as `phase`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._durations[phase] = self._durations.get(phase, 0.0) + time.perf_counter() - start

    def take(self) -> dict[str, float]:
        """The durations so far, and start anew."""
        durations, self._durations = self._durations, {}
        return durations
