"""How many may be connected? As many as leave the process its files; who holds a place and does nothing gives it up."""

import asyncio
import resource
from itertools import chain
from typing import Any

__all__ = ["Room", "places"]

_MOST = 512


def places() -> int:
    """Connections at once: a quarter of the files that this process may open, and 512 at most."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if limit == resource.RLIM_INFINITY else max(1, min(_MOST, limit // 4))


class Room:
    """Who is connected, by what it does: it asks, waits for its answer, or reads it.

    Where there is no place left, whoever has been asking longest is let go for the next, or has been reading longest.
    Nobody is who waits: that is our own doing.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._asking, self._waiting, self._reading = (dict[asyncio.Task[Any], None]() for _ in range(3))
        self._left = asyncio.Event()

    async def made(self) -> None:
        """Return when there is a place."""
        while sum(map(len, (self._asking, self._waiting, self._reading))) >= self._size:
            if victim := next(chain(self._asking, self._reading), None):
                self.leave(victim)
                victim.cancel()
            else:
                self._left.clear()
                await self._left.wait()

    def asks(self, who: "asyncio.Task[Any]") -> None:
        """It has come."""
        self._asking[who] = None

    def waits(self, who: "asyncio.Task[Any]") -> None:
        """It has asked."""
        self.leave(who)
        self._waiting[who] = None

    def reads(self, who: "asyncio.Task[Any]") -> None:
        """It is given its answer."""
        self.leave(who)
        self._reading[who] = None

    def leave(self, who: "asyncio.Task[Any]") -> None:
        """It is gone."""
        for places in (self._asking, self._waiting, self._reading):
            places.pop(who, None)
        self._left.set()
