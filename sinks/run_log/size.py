"""How many bytes did a run's log take, and how many of them tell what looks measured?"""

from collections.abc import Sequence
from dataclasses import dataclass

from nissa.events.kinds import (
    ActivationsMeasured,
    ClassesMeasured,
    GradientsMeasured,
    Payload,
    SharpnessMeasured,
    WeightsMeasured,
)

__all__ = ["LOOKS", "LogSize"]

LOOKS = frozenset((ActivationsMeasured, ClassesMeasured, GradientsMeasured, SharpnessMeasured, WeightsMeasured))
"""Kinds that come of looks: of these alone are there fewer where fewer looks are taken."""


@dataclass(slots=True)
class LogSize:
    """Bytes that were taken since the log was opened; a run that goes on has those before beside it."""

    all: int = 0
    looks: int = 0

    def add(self, payloads: Sequence[Payload], lines: bytes) -> None:
        """Take in so many lines, each of which ends."""
        self.all += len(lines)
        kinds = [type(payload) for payload in payloads]
        if not LOOKS.isdisjoint(kinds):
            ends = zip(kinds, lines.split(b"\n"), strict=False)
            self.looks += sum(len(line) + 1 for kind, line in ends if kind in LOOKS)
