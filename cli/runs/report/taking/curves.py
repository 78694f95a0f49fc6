"""The curves of a run: a line for each place and part, in bounded memory, and what the bound left out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from nissa.cli.runs.report.taking.charts import KINDS, Chart, Reading, meaning, readings
from nissa.cli.runs.report.taking.series import Point, Series
from nissa.events.event import Event, Scope
from nissa.events.kinds import EpochCompleted, HostBaselineEpoch, ScalarsLogged
from nissa.sinks.printable import printable, shortened
from nissa.sinks.text import place

__all__ = ["TWIN", "Curves"]

_STRETCHES = 16_000
"""Of all lines together: four or five points each, so about three megabytes of text at most."""
_FINEST = 400
"""Of one line: a chart has about as many pixels."""
_LINES = 1_000
"""Lines of a run."""
_TWINS = 100_000
"""Epochs of twins that are kept, those told last."""
_NAME = 120
TWIN = "host alone"
"""What a line of the host-only twin is called, which stands at its network's epochs."""


class _Key(NamedTuple):
    chart: Chart
    group: str | None
    env: int | str | None
    part: str


@dataclass(slots=True)
class _Position:
    """Where an event stands: all lines of its kind and place share it, so that one chart has one axis."""

    behind: float = 0.0
    """What is added to the numbers of this episode, which begin anew."""
    last: float = -1.0

    def advance(self, told: float | None) -> float:
        """To the next event; `told` is the number that it has by itself."""
        at = self.behind + told if told is not None else self.last + 1
        if at <= self.last:
            # Numbers that begin anew stand behind those before them.
            self.behind = self.last + 1 - (told or 0)
            at = self.last + 1
        self.last = at
        return at


@dataclass
class Curves:
    """A sink."""

    kinds = KINDS

    began: float | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    """Points of lines that there was no room for, by chart."""
    _lines: dict[_Key, Series] = field(default_factory=dict)
    _positions: dict[tuple[object, ...], _Position] = field(default_factory=dict)
    _twins: dict[tuple[object, ...], HostBaselineEpoch] = field(default_factory=dict)

    def __call__(self, event: Event[Any]) -> None:
        row, scope = event.payload, event.scope
        self.began = event.time if self.began is None else self.began
        if isinstance(row, HostBaselineEpoch):
            self._keep(scope, row)
            return
        found = [*readings(event)]
        if isinstance(row, EpochCompleted) and (twin := self._twin(scope)):
            found += _beside(found, twin)
        places: dict[str, float] = {}
        for reading in found:
            self._take(event, reading, places)

    def document(self) -> list[dict[str, Any]]:
        """The lines as plain data: for each the places, times and values of its points, and how many were told."""
        return [self._plain(key, line) for key, line in self._lines.items()]

    def _keep(self, scope: Scope, twin: HostBaselineEpoch) -> None:
        key = (*scope[1:4], scope.epoch)
        self._twins.pop(key, None)
        self._twins[key] = twin
        if len(self._twins) > _TWINS:
            del self._twins[next(iter(self._twins))]

    def _twin(self, scope: Scope) -> HostBaselineEpoch | None:
        """That of the episode, else that of its environment."""
        alone = self._twins.get((scope.group, scope.env, None, scope.epoch))
        return self._twins.get((*scope[1:4], scope.epoch), alone)

    def _take(self, event: Event[Any], reading: Reading, places: dict[str, float]) -> None:
        """`places` are those that the event has already, by name of its scalars."""
        chart, part, value = reading
        line = self._line(_Key(chart, event.scope.group, event.scope.env, part))
        if line is None:
            self.left_out[chart.name] += 1
            return
        name = chart.name if isinstance(event.payload, ScalarsLogged) else ""
        if name not in places:
            position = self._positions.setdefault((type(event.payload), *event.scope[1:3], name), _Position())
            places[name] = position.advance(_told(event, chart.along))
        line.add(Point(places[name], event.time, value, event.scope.episode))

    def _line(self, key: _Key) -> Series | None:
        if key not in self._lines and len(self._lines) < _LINES:
            self._lines[key] = Series(self._share(len(self._lines) + 1))
            for line in self._lines.values():
                line.narrow(self._share(len(self._lines)))
        return self._lines.get(key)

    @staticmethod
    def _share(lines: int) -> int:
        return min(_FINEST, _STRETCHES // lines)

    def _plain(self, key: _Key, line: Series) -> dict[str, Any]:
        points, (unit, means) = line.points(), meaning(key.chart)
        return {
            "chart": _short(key.chart.name),
            "section": key.chart.section,
            "unit": unit,
            "means": means,
            "along": key.chart.along,
            "place": _short(place(key.group, key.env) or "run"),
            "part": _short(key.part),
            "twin": key.part == TWIN,
            "at": [point.at for point in points],
            "time": [round(point.time - (self.began or 0.0), 4) for point in points],
            "value": [_number(point.value) for point in points],
            "episode": [point.episode for point in points],
            "seen": line.seen,
            "broken": line.broken,
        }


def _beside(found: Iterable[Reading], twin: HostBaselineEpoch) -> list[Reading]:
    """The twin's numbers, in the charts in which its network has one."""
    charts = {reading.chart.name: reading.chart for reading in found}
    values = {name: getattr(twin, name) for name in ("val_accuracy", "val_loss")}
    return [
        Reading(chart, TWIN, float(value))
        for name, value in values.items()
        if value is not None and (chart := charts.get(name))
    ]


def _told(event: Event[Any], along: str) -> float | None:
    """The number that its place has by itself; None where it is to be counted."""
    where = {"epoch": event.scope.epoch, **{name: getattr(event.payload, name, None) for name in ("update", "step")}}
    number = where.get(along)
    return None if number is None else float(number)


def _number(value: float) -> float | str:
    """Six digits: more than a chart shows. What is broken is told by its name."""
    return float(f"{value:.6g}") if isfinite(value) else str(value)


def _short(name: str) -> str:
    return shortened(printable(name), _NAME)
