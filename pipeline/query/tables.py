"""Events as Parquet files, one for each kind, in bounded memory. It is called with each event, then closed."""

from collections import defaultdict
from pathlib import Path
from typing import Any

from nissa.events.codec import Unknown
from nissa.events.event import Event
from nissa.pipeline.query.columns import UNKNOWN, Column, columns, names_of, reader
from nissa.sinks.packages import needed

__all__ = ["COUNTS", "ParquetTables", "counts_schema", "schema"]

COUNTS = "counts"
"""The file that says how many events of each kind there are."""
_AT_ONCE = 512
"""Events that become columns together: while they wait they are objects, many times as large."""
_GROUP = 8 << 20
"""Bytes of a row group, about."""
_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1


class ParquetTables:
    """Writes `KIND.parquet` into a folder for each kind that comes, and `counts.parquet` at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, _Table] = {}
        self._counts: dict[tuple[str, str], list[Any]] = {}
        self.problems: list[str] = []
        """What could not be told as it is."""

    def __call__(self, event: Event[Any], position: int) -> None:
        """Take an event; `position` numbers the emitted events of the log from 0, and is that of the cause."""
        payload = event.payload
        kind = UNKNOWN if isinstance(payload, Unknown) else payload.kind
        if (table := self._files.get(kind)) is None:
            table = self._files[kind] = _Table(self._folder / f"{kind}.parquet", kind)
        table.add(event, position)
        key = event.scope.run, payload.kind
        counted = self._counts.get(key) or self._counts.setdefault(key, [0, event.time, event.time, position])
        counted[0] += 1
        counted[2], counted[3] = event.time, position

    def close(self) -> None:
        """Write what waits."""
        told = [dict(zip(counts_schema().names, (*key, *row), strict=True)) for key, row in self._counts.items()]
        counts = needed("pyarrow").Table.from_pylist(told, schema=counts_schema())
        needed("pyarrow.parquet").write_table(counts, self._folder / f"{COUNTS}.parquet")
        for table in self._files.values():
            table.close()
            self.problems += table.problems()


def counts_schema() -> Any:
    """The columns of `counts.parquet`."""
    arrow = needed("pyarrow")
    text, whole, real = arrow.string(), arrow.int64(), arrow.float64()
    told = {"run": text, "kind": text, "events": whole, "first_time": real, "last_time": real, "last_position": whole}
    return arrow.schema(told)


def schema(kind: str) -> Any:
    """The columns of the table of a kind, as Arrow has them."""
    return needed("pyarrow").schema([(column.name, column.type) for column in columns(kind)])


class _Table:
    """One kind. Events wait as they are, then as columns, and are written in groups of rows."""

    def __init__(self, file: Path, kind: str) -> None:
        arrow = needed("pyarrow")
        self._kind, self._columns, self._schema = kind, columns(kind), schema(kind)
        # Numbers hardly repeat; names do.
        names = [column.name for column in self._columns if column.type == arrow.string()]
        writer = needed("pyarrow.parquet").ParquetWriter
        self._writer = writer(file, self._schema, compression="lz4", use_dictionary=names)
        self._read = reader(names_of(kind))
        self._waiting: list[tuple[Event[Any], int]] = []
        self._batches: list[Any] = []
        self._size = 0
        self._array, self._refused = arrow.array, (arrow.ArrowInvalid, OverflowError)
        self._batch, self._whole = arrow.RecordBatch.from_arrays, arrow.Table.from_batches
        self._too_large: defaultdict[str, int] = defaultdict(int)

    def add(self, event: Event[Any], position: int) -> None:
        self._waiting.append((event, position))
        if len(self._waiting) == _AT_ONCE:
            self._convert()

    def close(self) -> None:
        self._convert()
        self._write()
        self._writer.close()

    def problems(self) -> list[str]:
        where = self._too_large.items()
        return [f"{self._kind}.{name}: {count:,} numbers do not fit in 64 bits: NULL" for name, count in where]

    def _convert(self) -> None:
        if not self._waiting:
            return
        rows = [
            (*event.scope, *self._read(event.payload), event.seq, event.ordinal, event.time, position, event.extra)
            for event, position in self._waiting
        ]
        self._waiting.clear()
        told = zip(self._columns, zip(*rows, strict=True), strict=True)
        batch = self._batch([self._column(column, values) for column, values in told], schema=self._schema)
        self._batches.append(batch)
        self._size += batch.nbytes
        if self._size >= _GROUP:
            self._write()

    def _column(self, column: Column, values: tuple[Any, ...]) -> Any:
        if convert := column.convert:
            values = tuple(None if value is None else convert(value) for value in values)
        try:
            return self._array(values, column.type)
        except self._refused:
            fit = [None if _too_large(value) else value for value in values]
            self._too_large[column.name] += sum(map(_too_large, values))
            return self._array(fit, column.type)

    def _write(self) -> None:
        if self._batches:
            table = self._whole(self._batches)
            self._writer.write_table(table, row_group_size=len(table))
        self._batches, self._size = [], 0


def _too_large(value: Any) -> bool:
    return isinstance(value, int) and not _SMALLEST <= value <= _LARGEST
