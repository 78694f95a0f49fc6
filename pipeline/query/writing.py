"""An answer as CSV, JSON or Parquet, written as it comes. Parts inside a cell of CSV are JSON; NULL is empty there."""

import csv
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TextIO

import orjson

from nissa.events.json_encoding import plain
from nissa.sinks.packages import needed
from nissa.sinks.printable import json_printable

__all__ = ["Row", "distinct", "rows_of", "write_csv", "write_json", "write_parquet"]

Row = Sequence[Any]


def rows_of(batches: Any) -> Iterator[Row]:
    """The rows of an answer, as plain data: what is not finite is a text, and so is a time."""
    for batch in batches:
        yield from zip(
            *(map(_plain, column.to_pylist(maps_as_pydicts="lossy")) for column in batch.columns), strict=True
        )


def distinct(names: Sequence[str]) -> list[str]:
    """Names of columns, each once.

    >>> distinct(["x", "y", "x", "x"])
    ['x', 'y', 'x_1', 'x_2']
    """
    found: list[str] = []
    for name in names:
        number = names[: len(found)].count(name)
        found.append(f"{name}_{number}" if number else name)
    return found


class _Writes(Protocol):
    def write(self, text: str, /) -> object: ...


class _Lines:
    """The writer quotes what has a character of its line ends in it, and readers take either one for an end."""

    def __init__(self, file: _Writes) -> None:
        self._file = file

    def write(self, row: str) -> None:
        self._file.write(row.removesuffix("\r\n") + "\n")


def write_csv(batches: Any, file: _Writes) -> None:
    """A head, and a line for each row; numbers with all their digits."""
    writer = csv.writer(_Lines(file), lineterminator="\r\n")
    writer.writerow(distinct(batches.schema.names))
    writer.writerows([_cell(value) for value in row] for row in rows_of(batches))


def write_json(batches: Any, file: TextIO) -> None:
    """A list of objects, one a line."""
    names, before = distinct(batches.schema.names), "[\n"
    for row in rows_of(batches):
        file.write(before + json_printable(orjson.dumps(dict(zip(names, row, strict=True))).decode()))
        before = ",\n"
    file.write("[]\n" if before == "[\n" else "\n]\n")


def write_parquet(batches: Any, file: Path) -> None:
    """The types of the columns stay what they are."""
    arrow = needed("pyarrow")
    schema = arrow.schema(
        [column.with_name(name) for column, name in zip(batches.schema, distinct(batches.schema.names), strict=True)]
    )
    with needed("pyarrow.parquet").ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(arrow.RecordBatch.from_arrays(batch.columns, schema=schema))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes | timedelta):
        return value.hex() if isinstance(value, bytes) else str(value)
    try:
        return plain(value)
    except TypeError:
        return str(value)


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else value
