"""Was this mark traced before? A mark is news once, and again when its gate has passed or its slot has changed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import AlertRaised, GateEvaluated, StageChanged

__all__ = ["MAX_MARKS", "MarksSeen"]

MAX_MARKS = 256
"""Marks of one episode that are remembered; of more, the oldest is forgotten."""


@dataclass(slots=True)
class MarksSeen:
    """The marks of one episode: name, subject, and the gate that it is about, if any."""

    seen: dict[tuple[str, str | None, str | None], None] = field(default_factory=dict)

    def note(self, event: Event[AlertRaised], gates: Iterable[Event[GateEvaluated]]) -> bool:
        """Remember a mark; whether it is news. `gates` are the ones asked last, the one behind the mark among them."""
        mark = event.payload
        asked = [e.payload.gate for e in gates if e.seq == event.seq and e.payload.slot == mark.subject]
        key = mark.alert, mark.subject, asked[-1] if asked else None
        if key in self.seen:
            return False
        self.seen[key] = None
        if len(self.seen) > MAX_MARKS:
            del self.seen[next(iter(self.seen))]
        return True

    def forget(self, payload: Any) -> None:
        """A gate passed, or a slot entered another stage: what was marked there may be marked anew."""
        if isinstance(payload, StageChanged) and payload.from_stage != payload.to_stage:
            gone = [key for key in self.seen if key[1] == payload.slot]
        elif isinstance(payload, GateEvaluated) and payload.passed:
            gone = [key for key in self.seen if key[1:] == (payload.slot, payload.gate)]
        else:
            return
        for key in gone:
            del self.seen[key]
