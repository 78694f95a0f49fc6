"""What a metric is, and how it is declared: its unit, what it means, and how it is read.

Accuracies are ratios 0-1 here, percent in events; differences of accuracies are ratios too, so 0.05 is five points.
Losses, rewards and norms bear no unit in their names. A gauge that was not measured is absent, and NaN is broken; a
counter leaves out what is not finite. `group` and `env` are empty where they do not apply.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Literal, NamedTuple

__all__ = [
    "ENV",
    "GROUP",
    "RUN",
    "Column",
    "Labels",
    "Metric",
    "Read",
    "counter",
    "gauge",
    "histogram",
    "one",
    "percent",
    "ratio",
]

Labels = tuple[str, ...]
"""Names or values of labels."""

RUN: Labels = ("run",)
GROUP: Labels = ("run", "group")
ENV: Labels = ("run", "group", "env")

Read = Callable[[Any], float | None]
"""From a row (mostly a payload) to a value; None = not measured, so there is no such series."""


def one(_: Any) -> float:
    """1, whatever the row is."""
    return 1


def percent(field: str) -> Read:
    """A field that holds percent or percentage points, as a ratio."""
    read = attrgetter(field)

    def read_ratio(row: Any) -> float | None:
        return None if (value := read(row)) is None else float(value / 100)

    return read_ratio


def ratio(percent: float | None) -> float | None:
    """Percent or percentage points as a ratio."""
    return None if percent is None else percent / 100


class Metric(NamedTuple):
    """One metric family."""

    name: str
    """As Prometheus knows it; a counter ends in `_total`."""
    type: Literal["counter", "gauge", "histogram"]
    """How it may be read: a counter through `rate` and `increase` only."""
    help: str
    """What it means, in one sentence."""
    unit: str
    """Unit of its values: "ratio" for shares and their differences, "factor" for so many times, "1" for a number."""
    labels: Labels
    """Names of its labels, in the order in which values are handed in."""
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets, in `unit`, without infinity."""


class Column(NamedTuple):
    """A metric and its reading, before a table gives it a name and labels."""

    type: Literal["counter", "gauge", "histogram"]
    unit: str
    text: str
    read: Read
    buckets: tuple[float, ...] = ()


def gauge(unit: str, text: str, read: str | Read) -> Column:
    """A value that rises and falls. A bare field is read by its name, a row that is the value by `float`."""
    return Column("gauge", unit, text, _reader(read))


def counter(unit: str, text: str, read: str | Read = one) -> Column:
    """A sum that only grows; without a reading, the number of rows."""
    return Column("counter", unit, text, _reader(read))


def histogram(unit: str, text: str, buckets: tuple[float, ...], read: str | Read) -> Column:
    """How many values there were up to each bound, and their sum."""
    return Column("histogram", unit, text, _reader(read), buckets)


def _reader(read: str | Read) -> Read:
    return attrgetter(read) if isinstance(read, str) else read
