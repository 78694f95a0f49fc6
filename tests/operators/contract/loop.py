"""Folds in a plain loop: what every engine has to equal, with no part of any of them in it."""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from nissa.events.codec import written
from nissa.events.event import Event
from nissa.events.kinds import Payload
from nissa.operators import default_operators
from nissa.operators.fold import Fold
from nissa.pipeline.sources import Reading, own_event

__all__ = ["Loop", "default_folds", "derived_lines", "events"]


def default_folds() -> dict[str, Fold[Any]]:
    """All that a run has by default, in the order in which they see an event."""
    return {name: fold for name, fold in default_operators().items() if isinstance(fold, Fold)}


def events(lines: Iterable[bytes]) -> Iterable[Event[Any]]:
    """The events of a log, each once; what is no event is passed over."""
    reading = Reading()
    for number, line in enumerate(lines):
        event = own_event(str(number), line, reading)
        if event and reading.admit(event):
            yield event


class Loop:
    """All folds over one run: an event, then one by one what followed from it and from that."""

    def __init__(self) -> None:
        self.folds = default_folds()
        self.states: dict[str, Any] = {name: fold.init() for name, fold in self.folds.items()}

    def feed(self, event: Event[Any]) -> list[Event[Any]]:
        """The event itself, and what is derived from it, in the order in which all folds see them."""
        seen, waiting = [event], deque(self._step(event))
        while waiting:
            seen.append(Event(event.seq, event.time, event.scope, waiting.popleft(), len(seen)))
            waiting += self._step(seen[-1])
        return seen

    def put_aside(self) -> None:
        """Go on from what was written to a file."""
        for name, plain in orjson.loads(self.dumped()).items():
            self.states[name] = self.folds[name].load(plain)

    def dumped(self) -> bytes:
        """All states as they would be written to a file."""
        return orjson.dumps(self.plain())

    def plain(self) -> Mapping[str, Any]:
        """All states as plain data, by the names of their folds."""
        return {name: fold.dump(self.states[name]) for name, fold in self.folds.items()}

    def _step(self, event: Event[Any]) -> Iterable[Payload]:
        for name, fold in self.folds.items():
            if isinstance(event.payload, fold.kinds):
                yield from fold.step(self.states[name], event)


def derived_lines(seen: Iterable[Event[Any]]) -> list[bytes]:
    """The lines of those that were derived."""
    return [written(event) for event in seen if event.ordinal]
