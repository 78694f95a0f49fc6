"""A line of a chart in bounded memory: of each stretch its ends, extremes, and first and last broken point.

So extremes and broken values survive, however long a run is, and what was left out can be told.

>>> nan = float("nan")
>>> series = Series(stretches=2)
>>> for at in range(1000):
...     series.add(Point(at, at, nan if at == 500 else at % 7))
>>> [point.at for point in series.points()], series.seen, series.broken
([0, 6, 255, 256, 258, 259, 500, 511, 512, 517, 518, 767, 768, 769, 770, 999], 1000, 1)
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

__all__ = ["Point", "Series"]


class Point(NamedTuple):
    """A value, where it stands in its line, and when it was told."""

    at: float
    """Epoch, batch, update or step; those of a later episode come behind."""
    time: float
    """Seconds since 1970."""
    value: float
    episode: int | None = None


@dataclass(slots=True)
class _Stretch:
    count: int = 0
    first: Point | None = None
    last: Point | None = None
    low: Point | None = None
    high: Point | None = None
    broken: Point | None = None
    broken_last: Point | None = None
    """A run that ends in NaN is to be seen ending so."""


class Series:
    """Keeps so many stretches at most: of twice as many, two neighbours become one."""

    def __init__(self, stretches: int) -> None:
        self._most = max(2, stretches)
        self._width = 1
        self._stretches: list[_Stretch] = []
        self.seen = self.broken = 0
        """Points that were told, and those among them that are NaN or infinite."""

    def add(self, point: Point) -> None:
        """Take a point in."""
        self.seen += 1
        if not self._stretches or self._stretches[-1].count >= self._width:
            self._stretches.append(_Stretch())
            self.narrow(self._most)
        stretch = self._stretches[-1]
        stretch.count += 1
        if isfinite(point.value):
            _widen(stretch, point)
        else:
            self.broken += 1
            stretch.broken, stretch.broken_last = stretch.broken or point, point

    def narrow(self, stretches: int) -> None:
        """Keep so many from now on."""
        self._most = max(2, stretches)
        while len(self._stretches) > 2 * self._most:
            pairs = zip(self._stretches[::2], [*self._stretches[1::2], _Stretch()], strict=False)
            self._stretches = [_merged(first, second) for first, second in pairs]
            self._width *= 2

    def points(self) -> list[Point]:
        """What was kept, in its order."""
        return [point for stretch in self._stretches for point in _kept(stretch)]


def _widen(stretch: _Stretch, point: Point) -> None:
    if stretch.first is None or stretch.low is None or stretch.high is None:
        stretch.first = stretch.low = stretch.high = point
    elif point.value < stretch.low.value:
        stretch.low = point
    elif point.value > stretch.high.value:
        stretch.high = point
    stretch.last = point


def _merged(one: _Stretch, other: _Stretch) -> _Stretch:
    broken, broken_last = one.broken or other.broken, other.broken_last or one.broken_last
    made = _Stretch(one.count + other.count, broken=broken, broken_last=broken_last)
    for point in (*_finite(one), *_finite(other)):
        _widen(made, point)
    return made


def _finite(stretch: _Stretch) -> Iterator[Point]:
    return (point for point in _kept(stretch) if isfinite(point.value))


def _kept(stretch: _Stretch) -> list[Point]:
    known = (stretch.first, stretch.low, stretch.high, stretch.last, stretch.broken, stretch.broken_last)
    by_id = {id(point): point for point in known if point is not None}
    return sorted(by_id.values(), key=lambda point: point.at)
