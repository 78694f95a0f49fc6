"""How many may be connected, and how long? As many as leave the process its files, and nobody who does nothing."""

import asyncio
import resource
import time
from collections.abc import Iterator
from itertools import takewhile

from nissa.sinks.serving.connection import Connection

__all__ = ["Room", "places"]

_MOST = 2_048


def places() -> int:
    """Connections at once: a quarter of the files that this process may open, and 2,048 at most."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if limit == resource.RLIM_INFINITY else max(1, min(_MOST, limit // 4))


class Room:
    """Who is connected, by what it does: it asks, waits for its answer, or reads it; each has its seconds.

    Where there is no place left, one is let go for the next: whoever has been asking longest, if half of all ask, and
    else whoever has been reading longest. Nobody is who waits: that is our own doing.
    """

    def __init__(self, size: int, to_ask: float, to_answer: float) -> None:
        self._size = size
        self._asking, self._waiting, self._reading = (dict[Connection, float]() for _ in range(3))
        self._limits = ((self._asking, to_ask), (self._waiting, to_answer), (self._reading, to_answer))
        self._left = asyncio.Event()

    async def made(self) -> None:
        """Return when there is a place."""
        while sum(map(len, (self._asking, self._waiting, self._reading))) >= self._size:
            # Of few who ask, most have only just come.
            if crowd := self._asking if 2 * len(self._asking) >= self._size else self._reading:
                self.let_go(next(iter(crowd)))
            else:
                self._left.clear()
                await self._left.wait()

    def asks(self, who: Connection) -> None:
        """It has come."""
        self._asking[who] = time.monotonic()

    def waits(self, who: Connection) -> None:
        """It has asked."""
        self.leave(who)
        self._waiting[who] = time.monotonic()

    def reads(self, who: Connection) -> None:
        """It is given its answer."""
        self.leave(who)
        self._reading[who] = time.monotonic()

    def leave(self, who: Connection) -> None:
        """It is gone."""
        for doing, _ in self._limits:
            doing.pop(who, None)
        self._left.set()

    def let_go(self, who: Connection) -> None:
        """Cut it off."""
        self.leave(who)
        who.cut()

    def is_answering(self) -> bool:
        """Whether anybody waits or reads."""
        return bool(self._waiting or self._reading)

    def everybody(self) -> list[Connection]:
        """Who is connected."""
        return [*self._asking, *self._waiting, *self._reading]

    def late(self) -> list[Connection]:
        """Those whose time is up."""
        return [who for doing, limit in self._limits for who in _since(doing, time.monotonic() - limit)]


def _since(doing: dict[Connection, float], moment: float) -> Iterator[Connection]:
    return (who for who, _ in takewhile(lambda entry: entry[1] <= moment, doing.items()))
