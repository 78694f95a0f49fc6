"""Is an accuracy told as a fraction, as most libraries of metrics give it, where percent is meant?

A network whose loss falls by a fifth gets more than one in a hundred right. So an accuracy that is no zero and never
passes 1 meanwhile is a fraction. Which loss belongs to it, its name says: `val_accuracy` and `val_loss`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from math import inf, isfinite
from typing import Any

from nissa.operators.plausibility.ranges import ranges_of

__all__ = ["Course", "pairs_of"]

_LEAST = 10
"""Observations before anything is said."""
_FALL = 0.8
"""What is left of a loss that fell."""


@dataclass(slots=True)
class Course:
    """An accuracy and its loss, as far as both were told."""

    count: int = 0
    highest: float = 0.0
    first: float | None = None
    lowest: float = inf

    def take(self, accuracy: float | None, loss: float | None) -> None:
        """Take an observation in; one that is missing or broken is none."""
        if accuracy is None or loss is None or not isfinite(accuracy) or not isfinite(loss):
            return
        self.count += 1
        self.highest, self.lowest = max(self.highest, accuracy), min(self.lowest, loss)
        if self.first is None:
            self.first = loss

    @property
    def settled(self) -> bool:
        """Whether it is percent."""
        return self.highest > 1

    @property
    def fraction(self) -> bool:
        """Whether it is a fraction."""
        told = self.first is not None and self.count >= _LEAST and 0 < self.highest <= 1
        return told and self.first > 0 and self.lowest <= _FALL * self.first  # type: ignore[operator]


def pairs_of(kind: Any) -> Iterator[tuple[str, str]]:
    """The accuracies of a kind of event, each with its loss."""
    names = {f.name for f in fields(kind)}
    for row in ranges_of(kind):
        loss = row.field.replace("accuracy", "loss")
        if row.unit == "percent" and loss in names and loss != row.field:
            yield row.field, loss
