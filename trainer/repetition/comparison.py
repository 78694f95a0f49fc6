"""Where do two courses of events differ first, and how often? One event beside the other, in the order of the trainer.

>>> from nissa.events.event import Scope
>>> from nissa.events.kinds import BatchCompleted
>>> def course(loss): return [Event(0, 0.0, Scope("run", "ppo", 0, 1, 2), BatchCompleted(batch=3, loss=loss))]
>>> found = compare(course(0.5), course(0.25))
>>> print(found.first)
batch_completed of ppo env 0 episode 1 epoch 2 batch 3: loss was 0.5, is 0.25
"""

import re
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from nissa.events.event import Event, Scope
from nissa.sinks.printable import shortened
from nissa.trainer.repetition.leaves import leaves

__all__ = ["Comparison", "Difference", "compare"]

_ABSENT = object()
_KEYS = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')
"""Which layer, which slot, which row: differences are counted over all of them."""
_SHOWN = 200
"""Characters of a value."""


@dataclass(frozen=True)
class Difference:
    """A value that came out differently or, where `path` is None, another event than the one that was next."""

    kind: str
    scope: Scope
    batch: int | None
    path: str | None
    was: str
    now: str

    def __str__(self) -> str:
        was, now = shortened(self.was, _SHOWN), shortened(self.now, _SHOWN)
        if self.path is None:
            return f"the next event was {was}, is {now}"
        return f"{_place(self.kind, self.scope, self.batch)}: {self.path} was {was}, is {now}"


@dataclass
class Comparison:
    """What came of it; two courses are identical if there is no first difference."""

    events: int = 0
    """Those that have their like."""
    derived: int = 0
    """Those among them that operators derived."""
    fields: int = 0
    """Values in them that were compared."""
    first: Difference | None = None
    """The earliest of all differences."""
    open_end: bool = False
    """Whether the first course was cut off, and the second one not compared behind that."""
    counts: Counter[str] = field(default_factory=Counter)
    """Differences by kind.field, and whole events by kind: "(gone)" if only the first course has it, or "(new)"."""

    def pair(self, was: Event[Any], now: Event[Any]) -> None:
        """Compare an event with its like."""
        self.events += 1
        self.derived += bool(was.ordinal)
        before, after = dict(leaves(was)), dict(leaves(now))
        self.fields += len(before)
        for path in before | after:
            then, again = _text(before.get(path, _ABSENT)), _text(after.get(path, _ABSENT))
            if then != again:
                kind = was.payload.kind
                self.counts[f"{kind}.{_KEYS.sub('', path)}"] += 1
                self.first = self.first or Difference(kind, was.scope, _batch(was), path, then, again)


class _Waiting:
    """Events of one course that have met no like yet."""

    def __init__(self) -> None:
        self.events: dict[tuple[Any, ...], deque[Event[Any]]] = {}

    def put(self, event: Event[Any]) -> None:
        """Let it wait."""
        self.events.setdefault(_key(event), deque()).append(event)

    def take(self, like: Event[Any]) -> Event[Any] | None:
        """The first of those that are like it, which does not wait any more."""
        key = _key(like)
        found = self.events.get(key)
        if not found:
            return None
        event = found.popleft()
        if not found:
            del self.events[key]
        return event


def compare(recorded: Iterable[Event[Any]], repeated: Iterable[Event[Any]], *, open_end: bool = False) -> Comparison:
    """Two courses of events, each event beside its like: the next one of the same kind, place, batch and slot.

    Where the recorded course has an `open_end`, because its run was cut off, nothing is compared behind it.
    """
    found, gone, new = Comparison(open_end=open_end), _Waiting(), _Waiting()
    for was, now in zip_longest(recorded, repeated):
        if was is None and open_end:
            break
        if was and (like := new.take(was)):
            found.pair(was, like)
        elif was:
            gone.put(was)
        if now and (like := gone.take(now)):
            found.pair(like, now)
        elif now:
            new.put(now)
        if found.first is None and (gone.events or new.events):
            found.first = _out_of_order(was, now)
    for waiting, what in ((gone, "gone"), (new, "new")):
        found.counts.update(f"{event.payload.kind} ({what})" for events in waiting.events.values() for event in events)
    return found


def _out_of_order(was: Event[Any] | None, now: Event[Any] | None) -> Difference:
    there = was or now
    assert there
    names = ["none" if e is None else _place(e.payload.kind, e.scope, _batch(e)) for e in (was, now)]
    return Difference(there.payload.kind, there.scope, _batch(there), None, *names)


def _key(event: Event[Any]) -> tuple[Any, ...]:
    return event.payload.kind, event.scope[1:], _batch(event), getattr(event.payload, "slot", None)


def _batch(event: Event[Any]) -> int | None:
    return getattr(event.payload, "batch", None)


def _text(value: Any) -> str:
    """By the bit: 0.0 is not -0.0, 1 is not 1.0, and NaN is NaN."""
    return "absent" if value is _ABSENT else repr(value)


def _place(kind: str, scope: Scope, batch: int | None) -> str:
    names = {"env": scope.env, "episode": scope.episode, "epoch": scope.epoch, "batch": batch}
    told = [f"{name} {value}" for name, value in names.items() if value is not None]
    where = [*([scope.group] if scope.group else []), *told]
    return " ".join([kind, *(["of", *where] if where else [])])
