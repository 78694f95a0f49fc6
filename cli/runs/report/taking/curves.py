"""The curves of a run: a line for each place and part, in bounded memory, and what the bound left out."""

from collections import Counter
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from nissa.cli.runs.report.taking.charts import KINDS, Chart, Reading, meaning, readings
from nissa.cli.runs.report.taking.series import Point, Series
from nissa.events.event import Event, Scope
from nissa.events.kinds import EpochCompleted, HostBaselineEpoch
from nissa.sinks.printable import printable, shortened
from nissa.sinks.text import place

__all__ = ["TWIN", "Curves"]

_STRETCHES = 16_000
"""Of all lines together: four or five points each, so about three megabytes of text at most."""
_FINEST = 400
"""Of one line: a chart has about as many pixels."""
_LINES = 1_000
"""Lines of a run."""
_NAME = 120
TWIN = "host alone"
"""What a line of the host-only twin is called, which stands at its network's epochs."""


class _Key(NamedTuple):
    chart: Chart
    group: str | None
    env: int | str | None
    part: str


@dataclass(slots=True)
class _Line:
    series: Series
    behind: float = 0.0
    """What is added to the numbers of this episode, which begin anew."""
    last: float = -1.0


@dataclass
class Curves:
    """A sink."""

    kinds = KINDS

    began: float | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    """Points of lines that there was no room for, by chart."""
    _lines: dict[_Key, _Line] = field(default_factory=dict)
    _twins: dict[tuple[str | None, int | str | None, int | None], HostBaselineEpoch] = field(default_factory=dict)

    def __call__(self, event: Event[Any]) -> None:
        row, scope = event.payload, event.scope
        self.began = event.time if self.began is None else self.began
        if isinstance(row, HostBaselineEpoch):
            self._twins[scope.group, scope.env, scope.epoch] = row
            return
        for reading in readings(event):
            self._take(event, reading)
        if isinstance(row, EpochCompleted) and (twin := self._twin(scope)):
            for name in ("val_accuracy", "val_loss"):
                self._beside(event, name, getattr(twin, name))

    def document(self) -> list[dict[str, Any]]:
        """The lines as plain data: for each the places, times and values of its points, and how many were told."""
        return [self._plain(key, line) for key, line in self._lines.items()]

    def _twin(self, scope: Scope) -> HostBaselineEpoch | None:
        alone = self._twins.get((None, scope.env, scope.epoch))
        return self._twins.get((scope.group, scope.env, scope.epoch), alone)

    def _beside(self, event: Event[Any], name: str, value: float | None) -> None:
        chart = next(reading.chart for reading in readings(event) if reading.chart.name == name)
        if value is not None:
            self._take(event, Reading(chart, TWIN, value))

    def _take(self, event: Event[Any], reading: Reading) -> None:
        chart, part, value = reading
        line = self._line(_Key(chart, event.scope.group, event.scope.env, part))
        if line is None:
            self.left_out[chart.name] += 1
            return
        told = _told(event, chart.along)
        at = line.behind + told if told is not None else line.last + 1
        if at <= line.last:
            # Numbers that begin anew stand behind those before them.
            line.behind = line.last + 1 - (told or 0)
            at = line.last + 1
        line.last = at
        line.series.add(Point(at, event.time, value, event.scope.episode))

    def _line(self, key: _Key) -> _Line | None:
        if key not in self._lines and len(self._lines) < _LINES:
            self._lines[key] = _Line(Series(self._share(len(self._lines) + 1)))
            for line in self._lines.values():
                line.series.narrow(self._share(len(self._lines)))
        return self._lines.get(key)

    @staticmethod
    def _share(lines: int) -> int:
        return min(_FINEST, _STRETCHES // lines)

    def _plain(self, key: _Key, line: _Line) -> dict[str, Any]:
        points, (unit, means) = line.series.points(), meaning(key.chart)
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
            "time": [round(point.time - (self.began or 0.0), 2) for point in points],
            "value": [_number(point.value) for point in points],
            "episode": [point.episode for point in points],
            "seen": line.series.seen,
            "broken": line.series.broken,
        }


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
