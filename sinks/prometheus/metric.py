"""What a metric is, and how the tables of metrics beside this file are written.

Accuracies are ratios 0-1 here, percent in events; differences of accuracies are ratios too, so 0.05 is five points.
Losses, rewards and norms bear no unit in their names. A gauge that was not measured is absent, and NaN is broken; a
counter leaves out what is not finite. `group` and `env` are empty where they do not apply.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from nissa.events.event import Event

__all__ = [
    "ENV",
    "GROUP",
    "RUN",
    "Labels",
    "Metric",
    "Reading",
    "Readings",
    "Rows",
    "Sample",
    "Value",
    "metrics",
    "names",
    "ratio",
]

Labels = tuple[str, ...]

RUN: Labels = ("run",)
GROUP: Labels = ("run", "group")
ENV: Labels = ("run", "group", "env")

Sample = tuple[str, Labels, float | None]
"""Name of a metric, values of its labels, and its value; None = not measured, so there is no such series."""

Value = float | tuple[float, ...]
"""Of a counter or gauge the number; of a histogram the count of each bucket, infinity's at last, and then the sum."""

Reading = Callable[[Labels, Event[Any]], Iterator[Sample]]
"""What an event says of some metrics, given the values of run, group and env."""

Readings = Mapping[type, Reading]
"""Readings by the kind of event that they take."""

Rows = Mapping[str, tuple[str, str]]
"""Name, unit and meaning of metrics that are alike in type and labels."""


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


def metrics(type: Literal["counter", "gauge"], labels: Labels, rows: Rows) -> tuple[Metric, ...]:
    """Metrics that are alike in type and labels."""
    return tuple(Metric(name, type, text, unit, labels) for name, (unit, text) in rows.items())


def ratio(percent: float | None) -> float | None:
    """Percent or percentage points as a ratio."""
    return None if percent is None else percent / 100


def names(setting: object) -> list[str]:
    """The names that a setting of the trainer lists; none where it is no list."""
    return [name for name in setting if isinstance(name, str)] if isinstance(setting, list | tuple | dict) else []
