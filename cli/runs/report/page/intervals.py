"""Means with their 95% intervals on one scale, as rows that also say the figures: against nothing, which is a line."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, log10
from typing import Any, NamedTuple

from nissa.cli.runs.report.page.elements import Element, tag
from nissa.cli.runs.report.page.tables import table
from nissa.sinks.text import DASH, number

__all__ = ["Interval", "intervals"]

_MARKS = 4
_NARROWEST = 1e-6
"""Of a narrower scale, marks could not be told from one another."""
_WIDEST = 1e100
"""What is beyond has no place on a scale: twice as much may be no number."""


class Interval(NamedTuple):
    """A row. Figures are as the tables have them: None where there is none, a text where it is not finite."""

    name: str
    mean: Any
    low: Any
    high: Any
    basis: str
    """What it rests on, such as "4 seeds, 2 envs"."""


def intervals(title: str, unit: str, rows: Sequence[Interval]) -> Element:
    """A table of rows with bars; the line is 0."""
    known = [value for row in rows for value in map(_finite, row[1:4]) if value is not None]
    marks, low, high = _scale(min([0.0, *known]), max([0.0, *known]))
    heads = ("what", f"{unit}; the line is 0", f"mean, {unit}", "95% CI", "rests on")
    cells = [
        (row.name, _bar(row, low, high, marks), number(row.mean, "{:+.2f}"), _between(row), row.basis) for row in rows
    ]
    scale = ("scale", _axis(marks, low, high), "", "", "")
    return table(title, heads, [*cells, scale], (False, False, True, True))


def _between(row: Interval) -> str:
    known = row.low is not None and row.high is not None
    return f"{number(row.low, '{:+.2f}')} to {number(row.high, '{:+.2f}')}" if known else DASH


def _bar(row: Interval, low: float, high: float, marks: Iterable[float]) -> Element:
    """What the figures beside it say, so a reader of the screen need not hear it."""
    mean, begin, end = map(_finite, row[1:4])
    parts = [_upright(mark, low, high, "zero" if mark == 0 else "grid") for mark in marks]
    if begin is not None and end is not None:
        x1, x2 = _share(begin, low, high), _share(end, low, high)
        sure = "interval sure" if begin > 0 or end < 0 else "interval"
        parts.append(tag("line", x1=x1, x2=x2, y1="50%", y2="50%", class_=sure))
    if mean is not None:
        parts.append(tag("circle", cx=_share(mean, low, high), cy="50%", r=4, class_="mean"))
    return tag("svg", parts, class_="bar", aria_hidden="true")


def _axis(marks: Sequence[float], low: float, high: float) -> Element:
    parts = [
        tag("text", f"{mark:g}", x=_share(mark, low, high), y="70%", text_anchor=_anchor(at, len(marks)))
        for at, mark in enumerate(marks)
    ]
    return tag("svg", parts, class_="bar", aria_hidden="true")


def _anchor(at: int, count: int) -> str:
    return "start" if at == 0 else "end" if at == count - 1 else "middle"


def _upright(mark: float, low: float, high: float, look: str) -> Element:
    x = _share(mark, low, high)
    return tag("line", x1=x, x2=x, y1="0", y2="100%", class_=look)


def _share(value: float, low: float, high: float) -> str:
    return f"{100 * (value - low) / (high - low):.2f}%"


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and abs(float(value)) <= _WIDEST else None


def _scale(low: float, high: float) -> tuple[list[float], float, float]:
    """Round marks, and the ends of a scale that holds the values."""
    span = high - low if high - low > _NARROWEST else 1.0
    power = 10.0 ** floor(log10(span / _MARKS))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= span / _MARKS)
    first = floor(low / step)
    marks = [round(step * n, 10) for n in range(first, max(first + 1, ceil(high / step)) + 1)]
    return marks, marks[0], marks[-1]
