"""The ranks of one job, compared on states that can be put aside: what a collector of the job does on one machine.

Lines of each rank come in their order, and those of several in any. They are taken in by their time, as far as nothing
earlier is to come; a rank that gives nothing is waited for half a minute of this machine's time, and not any more.
"""

import logging
import os
import time
import zlib
from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Any

import orjson

from nissa.events.codec import decode, written
from nissa.events.event import Event
from nissa.events.kinds import RunEnded, RunResumed, RunStarted
from nissa.operators.fold import UnreadableStateError
from nissa.operators.ranks import compare_ranks, scope_in_job

__all__ = ["JobRanks", "Jobs"]

_PATIENCE = 30.0
"""Seconds for which events are held for a rank that gives nothing."""
_HELD = 64
"""Jobs that a task holds ready."""
_AHEAD = 4_096
"""Events of a rank that are held at most."""
_log = logging.getLogger("nissa")


class JobRanks:
    """Takes lines of ranks in, and gives those of the job's own run. Raises UnreadableStateError, as `Fold.load`."""

    kinds = compare_ranks().kinds
    """What it listens to."""

    def __init__(self, dumped: bytes | None = None) -> None:
        self._fold = compare_ranks()
        told: dict[str, Any] = _unpacked(dumped) if dumped else {}
        self._state = self._fold.load(told["state"]) if told else self._fold.init()
        self._next: int = told.get("next", 0)
        self._world: int = told.get("world", 0)
        self._waiting = {run: deque(decode(line.encode()) for line in lines) for run, lines in told.get("waiting", [])}
        self._over: set[str] = set(told.get("over", ()))
        """Runs that told their end."""
        self._held_since: float | None = None

    def take(self, run: str, lines: list[bytes]) -> list[bytes]:
        """Lines of a rank, that operators do not derive; what follows for the job."""
        waiting = self._waiting.setdefault(run, deque())
        for event in map(decode, lines):
            waiting.append(event)
            if isinstance(event.payload, RunStarted | RunResumed):
                self._world = event.payload.world_size or self._world
            self._over = self._over | {run} if isinstance(event.payload, RunEnded) else self._over - {run}
        return [line for event in self._released() for line in self._told(event)]

    def dump(self) -> bytes:
        """All of it, as JSON, compressed."""
        told = {
            "state": self._fold.dump(self._state),
            "next": self._next,
            "world": self._world,
            "waiting": [(run, [written(event).decode() for event in events]) for run, events in self._waiting.items()],
            "over": sorted(self._over),
        }
        return zlib.compress(orjson.dumps(told), 1)

    def _released(self) -> Iterator[Event[Any]]:
        while head := min(filter(None, self._waiting.values()), key=lambda events: events[0].time, default=None):
            if self._is_held():
                return
            yield head.popleft()

    def _is_held(self) -> bool:
        """Whether something earlier may come."""
        missing = len(self._waiting) < self._world or any(
            not events and run not in self._over for run, events in self._waiting.items()
        )
        if not missing:
            self._held_since = None
            return False
        now = time.monotonic()
        self._held_since = self._held_since or now
        return now - self._held_since < _PATIENCE and max(map(len, self._waiting.values())) < _AHEAD

    def _told(self, event: Event[Any]) -> Iterator[bytes]:
        try:
            payloads = [*self._fold.step(self._state, event)]
        except Exception as error:  # noqa: BLE001  # one event costs no other
            _log.warning("%s: %r", self._fold.name, error)
            return
        for payload in payloads:
            where = scope_in_job(self._state, event.scope, payload)
            yield written(Event(self._next, self._state.clock, where, payload))
            self._next += 1


class Jobs:
    """The jobs of a task. What it holds beside what it is given is used where that is what it gave last."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[bytes | None, JobRanks]] = OrderedDict()

    def take(self, job: str, state: bytes | None, run: str, lines: list[bytes]) -> tuple[bytes | None, list[bytes]]:
        """Lines of a rank of a job taken in, or none; what is to be kept of the job, and what is told of it.

        What is kept is `state` itself where nothing came of it.
        """
        given, held = self._held.pop(job, (b"", None))
        ranks = held if held and given == state else self._loaded(job, state)
        told = ranks.take(run, lines)
        # No two are alike, so that it is known whose state it is.
        kept = ranks.dump() + os.urandom(8) if lines or told else state
        self._held[job] = kept, ranks
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return kept, told

    def _loaded(self, job: str, state: bytes | None) -> JobRanks:
        try:
            return JobRanks(state[:-8] if state else None)
        except UnreadableStateError as error:
            _log.warning("the ranks of %s are compared anew from here on: %s", job, error)
            return JobRanks()


def _unpacked(dumped: bytes) -> dict[str, Any]:
    try:
        told: dict[str, Any] = orjson.loads(zlib.decompress(dumped))
    except (zlib.error, orjson.JSONDecodeError) as error:
        raise UnreadableStateError(f"this is no dumped state: {error}") from None
    return told
