"""A bounded buffer that sheds the least important first, and always knows where everything went."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from nissa.events.kind import Importance, Payload

__all__ = ["Entry", "PriorityBuffer"]

Entry = tuple[int, float, Payload, Any]
"""Ticket (strictly increasing), time of acceptance, payload, and what was handed in with it."""


class PriorityBuffer:
    """One queue for each `Importance`; tickets keep the order across them.

    `on_first` is called by the first entry, and by the next one after each `park`.

    accepted = taken + queued + dropped, exactly, at any moment. `put` holds a lock for well under a microsecond and
    does no I/O; it may be called again in the middle of itself, by a signal handler or a finalizer.

    Raises ValueError when `capacity` is below 1.
    """

    def __init__(self, capacity: int, on_first: Callable[[], None] | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self.capacity = capacity
        self.accepted = 0
        self.gone = 0
        """Entries that left: taken or dropped."""
        self.dropped: Counter[str] = Counter()
        self.closed = False
        self.refused = 0
        """Events that came after the end."""
        self.on_refused: Callable[[], None] | None = None
        """Called by the first event that is refused from now on."""
        self._limit = 0
        self._on_first = on_first
        self._queues: tuple[deque[Entry], ...] = tuple(deque() for _ in Importance)
        self._lock = threading.RLock()
        self._admitting = False
        self._late: deque[tuple[Payload, Any]] = deque()

    def __len__(self) -> int:
        return self.accepted - self.gone

    def put(self, payload: Payload, item: Any, now: Callable[[], float] = time.time) -> None:
        """Accept an entry; when full, shed the oldest of the least important, which may be this one.

        Raises AttributeError on what is no payload, and counts nothing.
        """
        queue, at = self._queues[payload.importance], now()
        with self._lock:
            # One comparison covers the rare cases: full, nobody there or parked (limit 0), closed.
            if self.accepted - self.gone >= self._limit:
                self._put_rarely(payload, item, at)
                return
            ticket = self.accepted
            self.accepted = ticket + 1
            queue.append((ticket, at, payload, item))

    def take(self, most: int) -> list[Entry]:
        """Up to `most` entries, oldest first."""
        with self._lock:
            batch: list[Entry] = []
            while len(batch) < most and (queues := [queue for queue in self._queues if queue]):
                oldest, *others = sorted(queues, key=_head)
                # All that is older than the head of the next queue can go at once.
                until = others[0][0][0] if others else self.accepted
                while oldest and oldest[0][0] < until and len(batch) < most:
                    batch.append(oldest.popleft())
            self.gone += len(batch)
            return batch

    def park(self) -> bool:
        """Let the next entry call `on_first`; False, and nothing is changed, if there is an entry already."""
        with self._lock:
            # In this order: a finalizer may put an entry in between.
            self._limit = 0
            if len(self) and not self.closed:
                self._limit = self.capacity
            return not self._limit

    def close(self) -> None:
        """Refuse further entries; what is queued can still be taken."""
        with self._lock:
            self.closed, self._limit = True, 0

    def abandon(self) -> None:
        """Drop what is queued."""
        self.shed(max(Importance))

    def shed(self, most: Importance) -> None:
        """Drop what is queued of this importance and below, because there is no time left for all."""
        with self._lock:
            for queue in self._queues[: most + 1]:
                while queue:
                    self.gone += 1
                    self.dropped[queue.popleft()[2].kind] += 1

    def after_fork(self) -> None:
        """In a forked child: hold nothing, accept nothing. Another thread may have held the lock at the fork."""
        self._lock = threading.RLock()
        self._admitting = False
        self.close()
        for queue in self._queues:
            queue.clear()

    def _put_rarely(self, payload: Payload, item: Any, at: float) -> None:
        if self._admitting:
            # Called in the middle of itself: the outer call takes this one along.
            self._late.append((payload, item))
            return
        self._admitting = True
        try:
            if self._admit(payload):
                ticket = self.accepted
                self.accepted = ticket + 1
                self._queues[payload.importance].append((ticket, at, payload, item))
        finally:
            self._admitting = False
        while self._late:
            self.put(*self._late.popleft())

    def _admit(self, payload: Payload) -> bool:
        if self.closed:
            self.refused += 1
            tell, self.on_refused = self.on_refused, None
            if tell:
                tell()
            return False
        if self._limit:
            return self._shed(payload)
        if self._on_first:
            self._on_first()
        self._limit = self.capacity
        return True

    def _shed(self, payload: Payload) -> bool:
        """Make room. Where all that is queued is more important, the newcomer goes, and its number shows as a gap."""
        for queue in self._queues[: payload.importance + 1]:
            if queue:
                victim = queue.popleft()
                self.gone += 1
                self.dropped[victim[2].kind] += 1
                return True
        self.accepted += 1
        self.gone += 1
        self.dropped[payload.kind] += 1
        return False


def _head(queue: deque[Entry]) -> int:
    return queue[0][0]
