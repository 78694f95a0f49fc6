"""Up to where was a run's log read? And what is known of the run there: small, plain, and kept for good."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson

__all__ = ["Place"]


@dataclass(slots=True)
class Place:
    """A place between two lines of a log, and what a run is that was read up to there."""

    segment: int = 0
    """Number of the segment; 0 before the first."""
    offset: int = 0
    """Bytes of it that were handed on."""
    line: int = 0
    """Lines of it that were."""
    unpacked: bool = False
    """Whether it was packed, and all of it was."""
    seq: int = -1
    """Number of the last event."""
    ended: bool = False
    """Whether that one told the end of the run."""
    since: int = 0
    """Bytes that were read since a state was kept."""
    freed: bool = False
    """Whether no state is kept of it."""
    told: str = ""
    """What keeps the rest from being read, as it was told last."""

    def dump(self) -> bytes:
        """As JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def load(cls, plain: bytes | None) -> "Place":
        """What was dumped; the beginning for None."""
        known: dict[str, Any] = orjson.loads(plain) if plain else {}
        return cls(**known)

    def is_at(self, other: "Place") -> bool:
        """Whether as much was read up to here."""
        return not self.is_behind(other) and not other.is_behind(self)

    def is_behind(self, other: "Place") -> bool:
        """Whether more was read up to here. Lines say it: a segment that was packed has other bytes."""
        return (self.segment, self.line) > (other.segment, other.line)
