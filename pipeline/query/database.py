"""A database of the runs that a question is about, in which nothing can be done but ask, and nothing else be read."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson

from nissa.events.kind import KINDS
from nissa.pipeline.query.building import DERIVED, READING, TOLD
from nissa.pipeline.query.cache import RunTables
from nissa.pipeline.query.columns import UNKNOWN
from nissa.pipeline.query.tables import COUNTS, counts_schema, schema
from nissa.pipeline.query.views import VIEWS
from nissa.pipeline.replay import COMPUTED
from nissa.sinks.packages import needed

__all__ = ["complaints", "connected", "mentioned", "names", "parts_of", "unknown"]

_SQL = {view.name: view.sql for view in VIEWS}
_COUNTS = {"told_counts": TOLD, "derived_counts": DERIVED}
_LOCKED = {
    "python_enable_replacements": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "'4GB'",
    "temp_directory": "''",
    "enable_external_access": "false",
    "lock_configuration": "true",
}
"""In this order: what is locked cannot be unlocked, by anybody."""


def names() -> list[str]:
    """All that may be asked about: the views, then the tables of kinds."""
    return [*_SQL, *_tables()]


def mentioned(sql: str) -> list[str]:
    """The tables and views that a query may read, each view behind the tables that it is made of.

    >>> mentioned("select avg(loss) from Batches")
    ['batch_completed', 'batches']
    """
    found: dict[str, None] = {}
    for name in _named(sql, [*_COUNTS, *names()]):
        made_of = _named(re.sub(r"'.*?'", "", _SQL.get(name, "")), [*_COUNTS, *_tables()])
        found |= dict.fromkeys([*made_of, name])
    return [*found]


def parts_of(tables: Iterable[str]) -> set[str]:
    """The parts that these tables and views are in."""
    return {_part(name) for name in tables if name not in _SQL}


def connected(runs: Sequence[RunTables], tables: Sequence[str]) -> Any:
    """A connection to a database with these tables and views of the runs. Raises UnreadableRunError."""
    duckdb = needed("duckdb")
    connection = duckdb.connect(":memory:")
    files: list[Path] = []
    for name in tables:
        if name in _SQL:
            connection.execute(f"create view {name} as {_SQL[name]}")
        else:
            files += _create(connection, name, runs)
    paths = ", ".join(_text(file) for file in files)
    connection.execute(f"set allowed_paths = [{paths}]")
    for setting, value in _LOCKED.items():
        connection.execute(f"set {setting} = {value}")
    return connection


def complaints(runs: Sequence[RunTables], parts: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """What is wrong with the logs of the runs, each once."""
    for run in runs:
        told = [orjson.loads((run.folder(part) / READING).read_bytes()) for part in sorted(parts)]
        found = [told[0]["complaint"] if told else None, *(problem for one in told for problem in one["problems"])]
        yield from ((run.path, problem) for problem in found if problem)


def unknown(name: str) -> str:
    """What is said of a table that there is not."""
    close = get_close_matches(name.lower(), names(), n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"there is no view {name}.{meant} `nissa query --views` lists them"


def _named(sql: str, known: Sequence[str]) -> list[str]:
    """Those that are known among the words of a text, in its order."""
    words = dict.fromkeys(word.lower() for word in re.findall(r"\w+", sql))
    return [word for word in words if word in known]


def _tables() -> list[str]:
    return [*KINDS, UNKNOWN]


def _part(name: str) -> str:
    return _COUNTS.get(name) or (DERIVED if KINDS.get(name) in COMPUTED else TOLD)


def _create(connection: Any, name: str, runs: Sequence[RunTables]) -> list[Path]:
    """A table of all runs that have it; an empty one if none has. Returns the files that it is read from."""
    file = f"{COUNTS if name in _COUNTS else name}.parquet"
    there = [(run.path, found) for run in runs if (found := run.folder(_part(name)) / file).exists()]
    if there:
        paths, files = (", ".join(map(_text, part)) for part in zip(*there, strict=True))
        connection.execute(
            f"create view {name} as select [{paths}][(file_index + 1)::bigint] as path, * from read_parquet([{files}])"
        )
        return [found for _, found in there]
    empty = (counts_schema() if name in _COUNTS else schema(name)).empty_table()
    connection.register("empty_table", empty)
    connection.execute(f"create table {name} as select null::varchar as path, * from empty_table")
    connection.unregister("empty_table")
    return []


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
