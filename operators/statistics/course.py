"""Which way does a noisy curve go? Its rolling mean is compared with where it was when it last moved.

Small moves add up, because the anchor stays where it is until the mean has left it by more than noise allows: a slow
decline is one, however slow. The curve stands still once a whole window has gone by without a move, and the mean is
where it was a window earlier.

>>> course = Course()
>>> for epoch in range(1, 31):
...     course.add(epoch, 60.0 - 0.3 * min(epoch, 15))
...     if course.turn(move=2.0, still=0.5) is not None:
...         print(epoch, course.direction, round(course.mean.value, 1))
10 fall 57.6
23 still 55.5
"""

from collections import deque
from dataclasses import dataclass, field
from math import fsum
from typing import Literal, NamedTuple

__all__ = ["FALL", "RISE", "STILL", "Course", "Direction", "Mean", "bounded", "place"]

Direction = Literal["rise", "fall", "still"]
RISE: Direction = "rise"
FALL: Direction = "fall"
STILL: Direction = "still"


class Mean(NamedTuple):
    """The mean of what was told in the window that ends with an epoch."""

    epoch: int
    value: float
    tellings: int
    """Values in it."""


_NOTHING = Mean(0, 0.0, 0)


@dataclass(slots=True)
class Course:
    """A curve by epoch, of which not each epoch need be told."""

    window: int = 5
    """Epochs in the rolling mean."""
    points: deque[tuple[int, float]] = field(default_factory=deque)
    """Epochs and values of the last two windows, and the one before them."""
    mean: Mean = _NOTHING
    """Now; of no values before the first."""
    anchor: Mean = _NOTHING
    """Where it last moved to, or came to rest."""
    direction: Direction | None = None
    """None before it first moved or rested."""
    origin: int = 0
    """Epoch from which it goes in this direction: that of the anchor that it left, or from which on it rests."""

    def add(self, epoch: int, value: float) -> None:
        """Take a finite value in. Epochs must rise."""
        points, value = self.points, bounded(value)
        points.append((epoch, value))
        while len(points) > 2 and points[1][0] <= epoch - 2 * self.window:
            points.popleft()
        self.mean = _mean(epoch, [value for at, value in points if at > epoch - self.window])
        if not self.anchor.tellings:
            self.anchor, self.origin = self.mean, epoch

    def turn(self, move: float, still: float) -> float | None:
        """Judge the mean as it is: the change that makes another direction of it; None if it is the same.

        `move`: what a change must exceed to be one. `still`: what the mean may change by in a window at rest.
        """
        change, before, origin = self.mean.value - self.anchor.value, self.direction, self.anchor.epoch
        if abs(change) > move:
            self.direction, self.anchor = RISE if change > 0 else FALL, self.mean
        elif before != STILL and (rest := self._rest(still)) is not None:
            change, self.direction, self.anchor = rest, STILL, self.mean
        if self.direction == before:
            return None
        self.origin = origin
        return change

    def _rest(self, still: float) -> float | None:
        """The change since a window earlier, if it is none, and the curve has not moved since."""
        now, since = self.mean, self.mean.epoch - self.window
        if self.anchor.epoch > since:
            return None
        told = [(at, value) for at, value in self.points if at <= since]
        # Where fewer epochs are told than a window has, the last one told before it.
        earlier = [value for at, value in told if at > since - self.window] or [told[-1][1]]
        change = now.value - _mean(since, earlier).value
        return change if abs(change) <= still else None


def bounded(value: float) -> float:
    """A finite value whose sums and differences are finite, too: beyond 1e100 there is no more and no less."""
    return max(-1e100, min(value, 1e100))


def place(last: int | None, epoch: int | None) -> int:
    """Where an epoch stands in its episode: its number, or one after the last where there is none that is higher."""
    after = 1 if last is None else last + 1
    return after if epoch is None or (last is not None and epoch <= last) else epoch


def _mean(epoch: int, values: list[float]) -> Mean:
    """Around the first, so that the mean of equal values is that value."""
    first = values[0]
    return Mean(epoch, first + fsum(value - first for value in values) / len(values), len(values))
