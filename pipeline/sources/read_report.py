"""What was found in a log: counted while it is read, so that nothing is lost in silence."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from nissa.events.codec import Unknown
from nissa.events.event import Event
from nissa.events.foreign import FOREIGN
from nissa.pipeline.sources.numbering import Numbers
from nissa.pipeline.sources.translation_report import Account
from nissa.sinks.printable import shortened

__all__ = ["Reading", "UnreadableRunError"]

_EXAMPLES = 10


class UnreadableRunError(Exception):
    """There is no run where one was asked for; the message says what is there instead."""


@dataclass(slots=True)
class Reading:
    """What was found in a log, counted as it is read."""

    read: int = 0
    """Emitted events."""
    derived: int = 0
    """Derived events."""
    by_kind: Counter[str] = field(default_factory=Counter)
    """Emitted events by kind."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Kinds, and fields (as kind.field), that this version does not know; all are carried."""
    malformed: int = 0
    """Lines that are no events, the torn one included."""
    duplicates: int = 0
    """Events seen before; they are skipped."""
    cut_short: int = 0
    """Compressed files that end before their end, or are damaged; they are read up to there."""
    problems: list[str] = field(default_factory=list)
    """The first few things that are wrong, each with its file and line."""
    numbers: defaultdict[str, Numbers] = field(default_factory=lambda: defaultdict(Numbers))
    """Which were seen, by run."""
    foreign: Account | None = None
    """Of another system's log: what became of each of its lines."""

    @property
    def dropped(self) -> int:
        """Events that never reached the log: the gaps in `seq`."""
        return sum(numbers.lost for numbers in self.numbers.values())

    def summary(self) -> dict[str, Any]:
        """The counts as plain data."""
        counts = {
            "read": self.read,
            "by_kind": dict(sorted(self.by_kind.items())),
            "derived": self.derived,
            "unknown": dict(sorted(self.unknown.items())),
            "malformed": self.malformed,
            "duplicates": self.duplicates,
            "dropped": self.dropped,
            "cut_short": self.cut_short,
            "problems": self.problems,
        }
        return counts | ({"foreign": self.foreign.summary()} if self.foreign else {})

    def admit(self, event: Event[Any]) -> bool:
        """Count an event; False if it was there before."""
        if event.ordinal:
            self.derived += 1
            return True
        if not self.numbers[event.scope.run].admit(event.seq, event.time):
            self.duplicates += 1
            return False
        self.read += 1
        kind = event.payload.kind
        self.by_kind[kind] += 1
        if isinstance(event.payload, Unknown):
            self.unknown[kind] += 1
        for name in event.extra or ():
            if name != FOREIGN:
                self.unknown[f"{kind}.{name}"] += 1
        return True

    def wrong(self, problem: str) -> None:
        """Keep the first few things that are wrong."""
        if len(self.problems) < _EXAMPLES:
            # A file name may hold what is no text.
            self.problems.append(shortened(problem).encode("utf-8", "replace").decode())
