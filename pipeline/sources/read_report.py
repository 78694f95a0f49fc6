"""What was found in a log: counted while it is read, so that nothing is lost in silence."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from nissa.events.codec import Unknown
from nissa.events.event import Event
from nissa.events.foreign import FOREIGN
from nissa.events.kinds import EventsDropped
from nissa.pipeline.sources.numbering import Numbers
from nissa.pipeline.sources.translation_report import Account
from nissa.sinks.printable import shortened

__all__ = ["Reading", "UnreadableRunError"]

_EXAMPLES = 10
_ON_THE_WAY = ("hub", "log")
"""Where an event is shed before it is written."""


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
    odd: Counter[str] = field(default_factory=Counter)
    """What was strange about lines that were read all the same: a newer version, a key written twice."""
    malformed: int = 0
    """Lines that are no events, the torn one included."""
    torn: bool = False
    """Whether the last line is one of those because it was never finished."""
    duplicates: int = 0
    """Events seen before; they are skipped."""
    cut_short: int = 0
    """Compressed files that end before their end, or are damaged; they are read up to there."""
    problems: list[str] = field(default_factory=list)
    """The first few things that are wrong, each with its file and line."""
    shed: int = 0
    """Events that the log itself says were shed before they were written."""
    numbers: defaultdict[str, Numbers] = field(default_factory=lambda: defaultdict(Numbers))
    """Which were seen, by run."""
    foreign: Account | None = None
    """Of another system's log: what became of each of its lines."""

    @property
    def dropped(self) -> int:
        """Events that are not in the log: the gaps in `seq`."""
        return sum(numbers.lost for numbers in self.numbers.values())

    @property
    def lost(self) -> int:
        """Those among them that were lost before they were written, as the log says."""
        return min(self.shed, self.dropped)

    @property
    def missing(self) -> int:
        """Those for which nothing in the log accounts: neither that they were shed, nor a line that was damaged."""
        return max(0, self.dropped - self.lost - (self.malformed - self.torn))

    def complaint(self) -> str | None:
        """Why a log is not read to satisfaction, in one line; None of a clean one. A torn last line is no reason."""
        if self.foreign and (reason := self.foreign.nothing()):
            return reason
        between = self.malformed - self.torn
        if between:
            return f"{between:,} of the lines are no events; the first of what is wrong: {self.problems[0]}"
        return self.problems[-1] if self.cut_short else None

    def refuse(self, place: str, line: bytes, reason: str) -> str:
        """Count a line that is no event. Returns the reason, with what is to be said of a torn one."""
        self.torn = not line.endswith(b"\n")
        told = f"torn last line: {reason}" if self.torn else reason
        self.malformed += 1
        self.wrong(f"{place}: {told}")
        return told

    def summary(self) -> dict[str, Any]:
        """The counts as plain data."""
        counts = {
            "read": self.read,
            "by_kind": dict(sorted(self.by_kind.items())),
            "derived": self.derived,
            "unknown": dict(sorted(self.unknown.items())),
            "odd": dict(sorted(self.odd.items())),
            "malformed": self.malformed,
            "duplicates": self.duplicates,
            "dropped": self.dropped,
            "lost": self.lost,
            "missing": self.missing,
            "cut_short": self.cut_short,
            "problems": self.problems,
        }
        return counts | ({"foreign": self.foreign.summary()} if self.foreign else {})

    def admit(self, event: Event[Any]) -> bool:
        """Count an event; False if it was there before."""
        self.torn = False
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
        if isinstance(event.payload, EventsDropped) and event.payload.place in _ON_THE_WAY:
            self.shed += sum(event.payload.dropped.values())
        for name in event.extra or ():
            if name != FOREIGN:
                self.unknown[f"{kind}.{name}"] += 1
        return True

    def strange(self, place: str, what: str) -> None:
        """Count what is odd about a line; the first of its like is shown with its place."""
        if not self.odd[what]:
            self.wrong(f"{place}: {what}")
        self.odd[what] += 1

    def wrong(self, problem: str) -> None:
        """Keep the first few things that are wrong."""
        if len(self.problems) < _EXAMPLES:
            # A file name may hold what is no text.
            self.problems.append(shortened(problem).encode("utf-8", "replace").decode())
