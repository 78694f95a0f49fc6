"""The events of one kind of a recorded run, one line each: whatever it is called, here or in another system's log."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import orjson

from nissa.events.codec import encode
from nissa.events.event import Event
from nissa.events.foreign import FOREIGN, ForeignEventCarried
from nissa.sinks.store import is_meant
from nissa.sinks.text import DASH, place

__all__ = ["KEPT", "OfKind", "event_lines", "names"]

KEPT = 1_000
"""Events that are shown, the last ones."""
_WIDTH = 200
"""Characters of a payload in a line of text."""
_SNAPSHOT = "ANALYTICS_SNAPSHOT"


class OfKind:
    """A sink that keeps the last events of a kind at a place; what is None in `where` may be anything."""

    def __init__(self, kind: str, **where: Any) -> None:
        self.events: deque[Event[Any]] = deque(maxlen=KEPT)
        self.left_out = 0
        """Events for which there was no room."""
        self.known = Counter[str]()
        """Events by kind; those that have no kind here, by their type."""
        self._kind, self._where = kind, where

    def __call__(self, event: Event[Any]) -> None:
        known = names(event)
        self.known[known[-1] if isinstance(event.payload, ForeignEventCarried) else known[0]] += 1
        if self._kind in known and is_meant(event.scope, self._where):
            self.left_out += len(self.events) == KEPT
            self.events.append(event)

    def document(self) -> dict[str, Any]:
        """As plain data: events as in a log."""
        return {"events": [orjson.loads(encode(event)) for event in self.events], "left_out": self.left_out}


def names(event: Event[Any]) -> list[str]:
    """What the kind of an event is called here and where it comes from; a snapshot's kind stands behind its type."""
    payload, told = event.payload, (event.extra or {}).get(FOREIGN)
    if isinstance(payload, ForeignEventCarried):
        whole = f"{payload.type} {payload.data.get('kind')}" if payload.type == _SNAPSHOT else payload.type
        return list(dict.fromkeys([payload.kind, payload.type, whole]))
    theirs = told.get("type") if isinstance(told, dict) else None
    if not isinstance(theirs, str):
        return [str(payload.kind)]
    return list(dict.fromkeys([payload.kind, theirs.partition(" ")[0], theirs]))


def event_lines(found: OfKind) -> Iterator[str]:
    """A line for each event: where, and its payload, cut to a width."""
    if found.left_out:
        yield f"{found.left_out:,} earlier ones are left out."
    for event in found.events:
        row = orjson.loads(encode(event))["data"]
        data = row["data"] if isinstance(event.payload, ForeignEventCarried) else row
        yield f"{place(*event.scope[1:]) or DASH}  {names(event)[-1]}  {_cut(orjson.dumps(data).decode())}"
    if not found.events:
        known = ", ".join(f"{count:,} {name}" for name, count in sorted(found.known.items()))
        yield f"No event of these is of that kind. There are: {known}."


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
