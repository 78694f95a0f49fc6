"""Which numbers of a run were read: an event that comes twice is told from one of another life of the same run.

>>> numbers = Numbers()
>>> [numbers.admit(seq, time) for seq, time in [(0, 1.0), (1, 1.1), (1, 1.1), (3, 1.3)]], numbers.lost
([True, True, False, True], 1)
>>> numbers.admit(0, 9.0), numbers.admit(1, 9.1), numbers.lost
(True, True, 1)
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from math import inf

__all__ = ["MOST_GAPS", "Numbers"]

MOST_GAPS = 10_000
"""Gaps that are known one by one; of more, the oldest are taken to be closed, and stay counted."""


@dataclass(slots=True)
class Numbers:
    """The numbers of a run that were seen, as spans from a first to a last one.

    A process that takes a run up again without knowing its log counts from 0 anew: what bears a known number, and
    happened later than all before it, begins another life. A number far too high, as a flipped digit makes it, is the
    only one of its span, and what follows it is no duplicate.
    """

    spans: list[list[int]] = field(default_factory=list)
    latest: float = -inf
    """Time of the latest event."""
    closed: int = 0
    """Numbers lost in gaps that are not known one by one any more, and in earlier lives."""

    def admit(self, seq: int, time: float) -> bool:
        """Note a number; False if the event was there before."""
        if not self.spans or seq != self.spans[-1][1] + 1:
            if self._seen(seq):
                if time <= self.latest:
                    return False
                self.closed, self.spans = self.lost, []
            self._open(seq)
        else:
            self.spans[-1][1] = seq
        self.latest = max(self.latest, time)
        return True

    @property
    def lost(self) -> int:
        """Numbers that never came. A single one that ran ahead of all others is taken to be wrong, not they lost."""
        spans = self.spans[:-1] if len(self.spans) > 1 and self._ran_ahead() else self.spans
        return self.closed + sum(
            after[0] - before[1] - 1 for before, after in zip([[-1, -1], *spans], spans, strict=False)
        )

    def _ran_ahead(self) -> bool:
        first, last = self.spans[-1]
        return first == last and first > 2 * self.spans[-2][1] + MOST_GAPS

    def _seen(self, seq: int) -> bool:
        at = bisect_right(self.spans, seq, key=_first) - 1
        return at >= 0 and seq <= self.spans[at][1]

    def _open(self, seq: int) -> None:
        """Into a gap, or beyond all: a span of its own, or the next number of the one before it."""
        at = bisect_right(self.spans, seq, key=_first)
        if at and self.spans[at - 1][1] == seq - 1:
            self.spans[at - 1][1] = seq
        else:
            self.spans.insert(at, [seq, seq])
        if len(self.spans) > MOST_GAPS:
            (_, before), second = self.spans[:2]
            self.closed += second[0] - before - 1
            self.spans[:2] = [[self.spans[0][0], second[1]]]


def _first(span: list[int]) -> int:
    return span[0]
