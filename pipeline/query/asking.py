"""Ask recorded runs a question in SQL: what is refused, and what ends it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Timer
from typing import Any, NamedTuple

from nissa.pipeline.query.cache import RunTables
from nissa.pipeline.query.database import complaints, connected, mentioned, parts_of, unknown
from nissa.pipeline.query.preparing import prepare
from nissa.pipeline.sources import UnreadableRunError
from nissa.sinks.packages import needed

__all__ = ["Answer", "QueryError", "asked", "found_runs"]

ROWS = 10_000
"""Rows of an answer that are in memory at once, about."""


class QueryError(Exception):
    """One line: what is wrong with a query, or what ended it."""


class Answer(NamedTuple):
    """The rows of an answer as they come, and what is wrong with the logs that they are from."""

    batches: Any
    """A RecordBatchReader of Arrow."""
    complaints: list[tuple[Path, str]]


def found_runs(*paths: str | Path) -> list[RunTables]:
    """The runs at these paths, each once; one that is not there may be a pattern, such as `runs/*`.

    Raises UnreadableRunError where there is none.
    """
    found: dict[Path, RunTables] = {}
    for path in map(Path, paths):
        for each in [path] if path.exists() else _matching(path):
            if each.resolve() not in found:
                found[each.resolve()] = RunTables(each)
    return [*found.values()]


@contextmanager
def asked(runs: Sequence[RunTables], sql: str, seconds: float | None = None) -> Iterator[Answer]:
    """The answer to one question. It reads nothing but the runs, and changes nothing.

    Raises QueryError on what is no question, and where it takes longer than `seconds`, while rows are read too;
    KeyboardInterrupt on Ctrl-C.
    """
    tables = mentioned(sql)
    prepare(runs, parts_of(tables))
    with _interruptible(), closing(connected(runs, tables)) as connection, _limited(connection, seconds) as late:
        try:
            _check(connection, sql)
            told = [*complaints(runs, parts_of(tables))]
            yield Answer(connection.sql(sql).to_arrow_reader(ROWS), told)
        except _errors() as error:
            raise QueryError(f"it took longer than {seconds:g} s" if late.is_set() else _told(error, sql)) from None


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C, which DuckDB makes an error of its own of while it computes."""
    try:
        yield
    except RuntimeError as error:
        if str(error) == "Query interrupted":
            raise KeyboardInterrupt from None
        raise


@contextmanager
def _limited(connection: Any, seconds: float | None) -> Iterator[Event]:
    """Interrupts what the connection does after so long; whether it did is told by what this yields."""
    late = Event()

    def interrupt() -> None:
        late.set()
        connection.interrupt()

    if seconds is None:
        yield late
        return
    timer = Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _matching(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor)
    found = sorted(root.glob(str(pattern.relative_to(root))))
    if not found:
        raise UnreadableRunError(f"{pattern}: there is no such file or directory, and nothing that it fits")
    return found


def _check(connection: Any, sql: str) -> None:
    """Raises QueryError on anything but one SELECT or EXPLAIN."""
    kinds = needed("duckdb").StatementType
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise QueryError(f"give one query, such as 'select * from runs', not {len(statements)}")
    if statements[0].type not in {kinds.SELECT, kinds.EXPLAIN}:
        raise QueryError(f"only SELECT is allowed, not {statements[0].type.name}: runs are read, and never written")


def _errors() -> tuple[type[Exception], ...]:
    arrow = needed("pyarrow")
    return needed("duckdb").Error, arrow.ArrowException


def _told(error: Exception, sql: str) -> str:
    """What DuckDB says, in one line."""
    text = " ".join(str(error).split("\n\nLINE ")[0].split())
    if missing := re.search(r"Table with name (.+?) does not exist", text):
        return unknown(missing[1])
    if "syntax error" in text and re.search(r'(?<!")\bgroup\b(?!\s+by|")', sql, re.IGNORECASE):
        return f'{text}: the column is "group", in double quotes, because GROUP is a word of SQL'
    if "operations are disabled" in text:
        return f"a query reads the runs that it names, and nothing else: {text}"
    if "No files found" in text or "No such file" in text:
        return f"a run was written while it was read: ask again ({text})"
    return text
