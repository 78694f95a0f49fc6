"""`nissa query`: recorded runs in SQL. The answer is a table, or JSON, CSV or Parquet."""

import argparse
import math
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from nissa.cli.documents import write_json as write_document
from nissa.cli.errors import UsageError
from nissa.cli.terminal import Shown, write_lines
from nissa.pipeline.query import (
    VIEWS,
    Answer,
    Described,
    MissingPackageError,
    QueryError,
    asked,
    described,
    distinct,
    found_runs,
    rows_of,
    write_csv,
    write_json,
    write_parquet,
)
from nissa.pipeline.sources import UnreadableRunError
from nissa.sinks.printable import printable, shortened
from nissa.sinks.text import DASH, name, table, text_lines

__all__ = ["add", "mended", "reported"]

_SHOWN = 1_000
"""Rows of a table."""
_WIDTH = 100
"""Characters of a cell."""
_USAGE = "give runs and a query: nissa query runs/x 'select avg(val_accuracy) from epochs'; --views says what there is"
_PARTS = "MAP(", "STRUCT("


def add(commands: Any) -> None:
    """Declare the subcommand. Its options may stand anywhere, also between a run and the query."""
    what = "ask recorded runs in SQL"
    # To the outer parser every word is a word, whatever it begins with.
    outer = commands.add_parser("query", help=what, add_help=False, prefix_chars="\0")
    outer.add_argument("words", nargs="*")
    parser = type(outer)(prog=outer.prog, description=what)
    words = "run directories, files of lines, or patterns such as 'runs/*'; then one SELECT, in quotes"
    parser.add_argument("words", nargs="*", metavar="RUN... SQL", help=words)
    parser.add_argument(
        "--views", action="store_true", help="list the views, or those that are named, and their columns"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a list of objects instead of a table")
    form.add_argument("--markdown", action="store_true", help="with --views: print the table of docs/query.md")
    form.add_argument("--csv", action="store_true", help="print CSV")
    form.add_argument("--parquet", type=Path, metavar="FILE", help="write Parquet into a file that is not there yet")
    parser.add_argument("--timeout", type=_seconds, default=60.0, metavar="SECONDS", help="give up after so long (60)")
    outer.set_defaults(run=lambda arguments: _run(parser.parse_intermixed_args(arguments.words)))


@contextmanager
def mended() -> Iterator[None]:
    """What the user can mend, in one line."""
    try:
        yield
    except (QueryError, UnreadableRunError, MissingPackageError, FileExistsError) as error:
        raise UsageError(error) from None
    except KeyboardInterrupt:
        raise UsageError("interrupted") from None


def reported(command: str, complaints: Iterable[tuple[Path, str]]) -> int:
    """The exit status: 0, or 1 where a log was not read to satisfaction, and why."""
    lines = [f"nissa {command}: {printable(str(path))}: {complaint}\n" for path, complaint in complaints]
    sys.stderr.writelines(lines)
    return 1 if lines else 0


def _run(arguments: argparse.Namespace) -> int:
    with mended():
        if arguments.views:
            return _views(arguments)
        if len(arguments.words) < 2:
            raise UsageError(_USAGE)
        *runs, sql = arguments.words
        with asked(found_runs(*runs), sql, arguments.timeout) as answer:
            _write(answer, arguments)
    return reported("query", answer.complaints)


def _write(answer: Answer, arguments: argparse.Namespace) -> None:
    if arguments.json:
        write_json(answer.batches, sys.stdout)
    elif arguments.csv:
        write_csv(answer.batches, Shown())
    elif arguments.parquet:
        _write_file(answer, arguments.parquet)
    else:
        write_lines(_table(answer.batches))


def _write_file(answer: Answer, file: Path) -> None:
    """There whole, or not at all."""
    if file.exists():
        raise FileExistsError(f"{file} exists already: choose another name, or move it away")
    unfinished = file.with_name(f".{file.name}-{uuid4().hex}")
    try:
        write_parquet(answer.batches, unfinished)
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _table(batches: Any) -> Iterator[str]:
    rows = rows_of(batches)
    shown = [*islice(rows, _SHOWN)]
    made = table(None, (), ())
    for at, column in enumerate(distinct(batches.schema.names)):
        numbers = any(isinstance(row[at], int | float) and not isinstance(row[at], bool) for row in shown)
        made.add_column(printable(column), justify="right" if numbers else "left", no_wrap=True)
        made.least.append(0)
    for row in shown:
        made.add([name(_cell(value)) for value in row])
    yield from text_lines(made)
    if next(rows, None) is not None:
        yield f"Only the first {_SHOWN:,} rows are shown: --csv prints all."


def _cell(value: Any) -> str:
    if value is None:
        return DASH
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return shortened(text, _WIDTH)


def _views(arguments: argparse.Namespace) -> int:
    names = arguments.words
    known = [*dict.fromkeys(found.view for found in described())] if names else []
    if unknown := [view for view in names if view not in known]:
        raise UsageError(f"there is no view {unknown[0]}: there are {', '.join(known)}")
    columns = described(*names)
    if arguments.json:
        write_document([found._asdict() for found in columns])
    elif arguments.markdown:
        write_lines(_page(columns))
    else:
        write_lines(_listed(columns, every=bool(names)))
    return 0


def _page(columns: Iterable[Described]) -> Iterator[str]:
    """The table of views in docs/query.md."""
    rows = {view.name: view.row for view in VIEWS}
    yield from ("| view | a row is | columns |", "|---|---|---|")
    for view, found in groupby(columns, key=lambda column: column.view):
        if view in rows:
            yield f"| `{view}` | {rows[view]} | {', '.join(f'`{column.column}`' for column in found)} |"


def _listed(columns: Iterable[Described], *, every: bool) -> Iterator[str]:
    """Views with their columns; of kinds only the names, if not `every` column is asked for."""
    rows, kinds = {view.name: view.row for view in VIEWS}, []
    for view, found in groupby(columns, key=lambda column: column.view):
        if view not in rows and not every:
            kinds.append(view)
            continue
        made = table(None, ("column", "type", "unit"), (), ("meaning",))
        for row in found:
            made.add([row.column, _short(row.type), row.unit or DASH, row.meaning])
        yield from (f"{view}: {rows.get(view, 'an event of this kind')}", *text_lines(made), "")
    if kinds:
        yield f"Each kind of event has a table too (`nissa query --views KIND`): {', '.join(kinds)}."


def _short(kind: str) -> str:
    """A type without the fields of its parts."""
    begin, end = kind.find("("), kind.rfind(")")
    return (
        kind
        if begin < 0 or (kind.startswith("MAP(VARCHAR, ") and "STRUCT" not in kind)
        else f"{kind[:begin]}(...){kind[end + 1 :]}"
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds
