"""Which field of an event does a metric show? Found by reading it from a row that notes what is read of it.

>>> from nissa.events.kinds import EpochCompleted
>>> [reading] = [reading for reading in readings() if reading.metric.name == "nissa_val_accuracy_ratio"]
>>> reading.source, reading.field, reading.percent
(<class 'nissa.events.training.EpochCompleted'>, 'val_accuracy', True)
"""

from collections.abc import Iterator
from typing import NamedTuple

from nissa.sinks.prometheus.lifetimes import Table
from nissa.sinks.prometheus.metric import Metric, Read
from nissa.sinks.prometheus.metrics import TABLES

__all__ = ["Reading", "readings"]


class Reading(NamedTuple):
    """A metric whose value is a field as it stands, or a hundredth of it."""

    metric: Metric
    source: type
    """The kind of event."""
    field: str
    """Of the event, or of the part of it that the metric's rows are."""
    percent: bool
    """Whether the metric is a hundredth of the field: a ratio of percent or points."""
    part: bool
    """Whether the field is one of a part of the event, such as a layer or a head."""


class _Read(Exception):  # no error: it carries out what was read
    """A row, or a field of it, was asked for its number."""


class _Row:
    """Stands for an event, its payload, a row, and each field of it."""

    def __init__(self, field: str = "", *, percent: bool = False, part: bool = False) -> None:
        self._field, self._percent, self._part = field, percent, part

    def __getattr__(self, name: str) -> "_Row":
        return _Row(name, part=self._part)

    def __iter__(self) -> Iterator["_Row"]:
        yield _Row(part=True)

    def items(self) -> list[tuple[str, "_Row"]]:
        """Of a mapping, where the field is one."""
        return [("", _Row(self._field, part=True))]

    def __truediv__(self, by: float) -> "_Row":
        return _Row(self._field, percent=by == 100, part=self._part)

    def __float__(self) -> float:
        raise _Read(self._field, self._percent, self._part)


def readings() -> Iterator[Reading]:
    """Every metric that is a field; what is worked out of several, or counted, is not."""
    for table in TABLES:
        row = _row(table)
        for metric, (_, read) in zip(table.metrics, table.reads, strict=True):
            found = _found(read, row)
            if found is not None:
                field, percent, part = found
                # Of a mapping of numbers, the field is the event's own.
                yield Reading(metric, table.source, field, percent, part and field != row._field)


def _row(table: Table) -> _Row:
    """What the metrics of a table are read from."""
    try:
        ((_, row),) = table.rows(("", "", ""), _Row())
    except Exception:  # noqa: BLE001  # it looks closer at the event than a stand-in allows
        return _Row()
    return row if isinstance(row, _Row) else _Row()


def _found(read: Read, row: _Row) -> tuple[str, bool, bool] | None:
    """The field that is read, whether a hundredth of it, and whether it is a part's; None if it is no field."""
    try:
        float(read(row) or 0)
    except _Read as found:
        field, percent, part = found.args
        return (field, percent, part) if field else None
    except Exception:  # noqa: BLE001  # it works with the value, so it is no field as it stands
        return None
    return None
