"""The books of a buffer: what came in is somewhere, and each event is counted once."""

from collections import Counter
from typing import NamedTuple

__all__ = ["Books"]


class Books(NamedTuple):
    """Where all entries are, each counted where it is handed over."""

    accepted: int
    """Entries that came in."""
    queued: int
    """Entries that wait, and the one in hand."""
    dropped: dict[str, int]
    """Entries that were shed, by kind."""
    reasons: dict[str, int]
    """The same, by reason: "full", "heavy" or "end"."""
    fates: Counter[str]
    """Entries that were taken and settled, by what became of them."""

    def missing(self) -> int:
        """Entries that are nowhere, or less than 0 for entries that are counted twice. It should be 0."""
        return self.accepted - self.queued - sum(self.dropped.values()) - self.fates.total()
