"""A bounded buffer that sheds the least important first, and always knows where everything went."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from nissa.events.kind import Importance, Payload
from nissa.pipeline.hub.books import Books
from nissa.pipeline.hub.weight import FLAT, weight

__all__ = ["MOST_BYTES", "Entry", "PriorityBuffer"]

MOST_BYTES = 128 << 20
"""Bytes that the entries of one buffer may hold, about."""
_LOOK = 64
"""Entries between two looks at what waits; where fewer wait, nothing is weighed."""
_STRIDE = 64
"""Of so many entries one is weighed, and stands for all, unless large ones are among them: then each is."""
_LARGE = 1 << 15
"""Bytes from which an entry is a large one."""

_HANDFUL, _OF = 64, 1024
"""Entries that are taken under one lock, at most one in so many of the capacity: newer ones shed them no more."""
_SHED = "shed"
_FULL, _HEAVY, _END = "full", "heavy", "end"
"""Why entries are shed: there are too many, they hold too many bytes, or there is no time left for them."""

Entry = tuple[int, float, Payload, Any]
"""Ticket (strictly increasing), time of acceptance, payload, and what was handed in with it."""


class PriorityBuffer:
    """One queue for each `Importance`; tickets keep the order across them.

    `on_first` is called by the first entry, and by the next one after each `park`. At most `capacity` entries wait, and
    entries of at most `most_bytes`, about: it is noticed when some dozens wait that they are large.

    `put` holds a lock for well under a microsecond and does no I/O; it may be called again in the middle of itself, by
    a signal handler or a finalizer. One thread takes entries, one by one, and settles each. It has them by the handful,
    as a lock for each would cost more than all that the hub does with it.

    Raises ValueError when `capacity` is below 1.
    """

    def __init__(self, capacity: int, on_first: Callable[[], None] | None = None, most_bytes: int = MOST_BYTES) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, not {capacity}")
        self.capacity = capacity
        self.accepted = 0
        self.dropped: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self.closed = False
        self.refused = 0
        """Events that came after the end."""
        self.on_refused: Callable[[], None] | None = None
        """Called by the first event that is refused from now on."""
        self._on_first, self._most_bytes = on_first, most_bytes
        self._queues: tuple[deque[Entry], ...] = tuple(deque() for _ in Importance)
        # Under the lock both are replaced. Without it the taker appends: that settles an entry at once, for everybody.
        self._handful = max(1, min(_HANDFUL, capacity // _OF))
        self._hand: list[Entry] = []
        self._settled: list[str] = []
        self._least = min(Importance)
        self._fates: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._idle, self._admitting = True, False
        self._next_look = self._weighed = self._bytes = 0
        self._stride = _STRIDE
        self._sizes: dict[int, int] = {}
        self._late: deque[tuple[Payload, Any]] = deque()

    def __len__(self) -> int:
        return sum(map(len, self._queues))

    def put(self, payload: Payload, item: Any, now: Callable[[], float] = time.time) -> None:
        """Accept an entry; when full, shed the oldest of the least important, which may be this one.

        Raises AttributeError on what is no payload, and counts nothing.
        """
        queue, at = self._queues[payload.importance], now()
        with self._lock:
            ticket = self.accepted
            # One comparison covers the rare cases: full, a look is due, nobody there or parked, closed.
            if ticket >= self._next_look:
                self._put_rarely(payload, item, at)
                return
            self.accepted = ticket + 1
            queue.append((ticket, at, payload, item))

    def take(self) -> Entry | None:
        """The oldest entry, which is in hand until it is settled; None if there is none."""
        # In this order, as who abandons empties the hand first.
        at, hand = len(self._settled), self._hand
        if at < len(hand) and hand[at][2].importance >= self._least:
            return hand[at]
        if at < len(hand):
            self._settled.append(_SHED)
        elif not self._reach():
            return None
        return self.take()

    def take_run(self) -> list[Entry]:
        """The oldest entries, as many as are had by the handful, all in hand until they are settled."""
        return self._hand[len(self._settled) :] if self.take() else []

    def settle(self, *fates: str) -> None:
        """Say what became of the entries in hand, in their order, if they were not abandoned meanwhile."""
        self._settled.extend(fates)

    def turn(self, before: str, after: str, count: int) -> None:
        """Say that entries of one fate met another in the end."""
        with self._lock:
            count = min(count, self.books().fates[before])
            self._fates[before] -= count
            self._fates[after] += count

    def books(self) -> Books:
        """Where everything is, at one moment."""
        with self._lock:
            fates, dropped = self._fates.copy(), self.dropped.copy()
            reasons = self._reasons.copy()
            settled = self._enter(fates, dropped, reasons)
            queued = len(self) + len(self._hand) - settled
            return Books(self.accepted, queued, dict(dropped), dict(reasons), fates)

    def oldest(self) -> Entry | None:
        """The entry that has waited longest, or is in hand; None if there is none."""
        with self._lock:
            waiting = [*self._hand[len(self._settled) :][:1], *(queue[0] for queue in self._queues if queue)]
            return min(waiting, key=_ticket, default=None)

    def park(self) -> bool:
        """Let the next entry call `on_first`; False, and nothing is changed, if there is an entry already."""
        with self._lock:
            # In this order: a finalizer may put an entry in between.
            self._idle, self._next_look = True, 0
            if len(self) and not self.closed:
                self._idle = False
            return self._idle

    def close(self) -> None:
        """Refuse further entries; what is queued can still be taken."""
        with self._lock:
            self.closed, self._next_look = True, 0

    def abandon(self) -> None:
        """Drop what is queued, and what is in hand: nobody waits for it any more."""
        with self._lock:
            self.shed(max(Importance))
            left = self._put_down()
            self.dropped.update(entry[2].kind for entry in left)
            self._reasons[_END] += len(left)

    def shed(self, most: Importance) -> None:
        """Drop what is queued of this importance and below, because there is no time left for all."""
        with self._lock:
            self._least = Importance(min(most + 1, max(Importance)))
            while self._shed(most, _END):
                pass

    def after_fork(self) -> None:
        """In a forked child: hold nothing, accept nothing. Another thread may have held the lock at the fork."""
        self._lock = threading.RLock()
        self._admitting, self._hand = False, []
        self.close()
        for queue in self._queues:
            queue.clear()

    def _reach(self) -> bool:
        """Take the next handful, oldest first; False if there is none."""
        with self._lock:
            self._put_down()
            # Large ones are taken one by one: what is in hand cannot be shed.
            hand, most = self._hand, 1 if self._stride == 1 else self._handful
            while len(hand) < most and (queues := sorted(filter(None, self._queues), key=_head)):
                # All that is older than the head of the next queue goes at once.
                oldest, until = queues[0], queues[1][0][0] if len(queues) > 1 else self.accepted
                while oldest and oldest[0][0] < until and len(hand) < most:
                    hand.append(oldest.popleft())
            for ticket, *_ in hand if self._sizes else ():
                self._bytes -= self._sizes.pop(ticket, 0)
            return bool(hand)

    def _put_down(self) -> list[Entry]:
        """Enter in the books what is settled of the handful, and let go of it. Returns what is not settled."""
        settled = self._enter(self._fates, self.dropped, self._reasons)
        hand, self._hand = self._hand, []
        self._settled = []
        return hand[settled:]

    def _enter(self, fates: Counter[str], dropped: Counter[str], reasons: Counter[str]) -> int:
        """Enter in books what is settled of the handful; how many that are."""
        settled = self._settled[: len(self._hand)]
        for fate in {*settled}:
            if fate is not _SHED:
                fates[fate] += settled.count(fate)
        if _SHED in settled:
            dropped.update(e[2].kind for e, fate in zip(self._hand, settled, strict=False) if fate is _SHED)
            reasons[_END] += settled.count(_SHED)
        return len(settled)

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
        if self._idle:
            if self._on_first:
                self._on_first()
            self._idle = False
        if self.accepted - self._weighed >= _LOOK or self._stride == 1:
            self._look()
        bulk, routine, lifecycle = self._queues
        room = self.capacity - len(bulk) - len(routine) - len(lifecycle)
        if room > 0:
            self._next_look = self.accepted + (min(room, _LOOK) if self._stride > 1 else 1)
        elif not self._shed(payload.importance, _FULL):
            # All that waits is more important, so the newcomer goes, and its number shows as a gap.
            self.accepted += 1
            self.dropped[payload.kind] += 1
            self._reasons[_FULL] += 1
            return False
        return True

    def _look(self) -> None:
        """Weigh what came since the last look, if there is something of a backlog, and shed until the rest is light."""
        if len(self) < _LOOK and self._bytes < self._most_bytes / 4:
            self._stride = _STRIDE
            return
        if self._weigh() > _LARGE and self._stride > 1:
            self._stride = 1
            self._weigh()
        self._weighed = self.accepted
        while self._bytes > self._most_bytes and self._shed(max(Importance), _HEAVY):
            pass

    def _weigh(self) -> int:
        """Weigh one in `_stride` of what is new; the largest of them, in bytes. Where it begins, moves on each time."""
        largest, begin = 0, self.accepted // _LOOK % self._stride
        for queue in self._queues:
            for ticket, _, payload, _ in islice(reversed(queue), begin, None, self._stride):
                if ticket < self._weighed:
                    break
                size = _weight(payload)
                largest = max(largest, size)
                self._bytes += self._stride * size - self._sizes.get(ticket, 0)
                self._sizes[ticket] = self._stride * size
        return largest

    def _shed(self, most: Importance, why: str) -> bool:
        """Drop the oldest of the least important entries up to this importance; False if there is none."""
        for queue in self._queues[: most + 1]:
            if queue:
                ticket, _, victim, _ = queue.popleft()
                if self._sizes:
                    self._bytes -= self._sizes.pop(ticket, 0)
                self.dropped[victim.kind] += 1
                self._reasons[why] += 1
                return True
        return False


def _ticket(entry: Entry) -> int:
    return entry[0]


def _head(queue: deque[Entry]) -> int:
    return queue[0][0]


def _weight(payload: Payload) -> int:
    try:
        return weight(payload)
    except Exception:  # noqa: BLE001  # whatever its class does when it is read
        return FLAT
