"""What a notebook shows of runs and frames: a small table, in which everything that a log brings is text."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any

from nissa.pipeline.query.asking import QueryError, asked, found_runs
from nissa.pipeline.query.writing import distinct, rows_of
from nissa.pipeline.sources import UnreadableRunError
from nissa.sinks.packages import MissingPackageError
from nissa.sinks.printable import printable, shortened

__all__ = ["html_of"]

_SHOWN = 20
"""Rows of the table."""
_WIDTH = 100
"""Characters of a cell."""
_PATIENCE = 60.0
"""Seconds that a notebook waits for it."""


def html_of(paths: tuple[str | Path, ...], sql: str, note: str) -> str:
    """The first rows of an answer as HTML, or why there is none; a notebook is not to fail where it shows something."""
    try:
        with asked(found_runs(*paths), sql, _PATIENCE) as answer:
            names, rows = distinct(answer.batches.schema.names), [*islice(rows_of(answer.batches), _SHOWN + 1)]
    except (QueryError, UnreadableRunError, MissingPackageError) as error:
        return f"<p>{_text(error)}</p>"
    more = f"Only the first {_SHOWN} rows are shown. " if len(rows) > _SHOWN else ""
    return "".join(_table(names, rows[:_SHOWN])) + f"<p>{_text(more + note)}</p>"


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    yield f"<table><thead><tr>{''.join(f'<th>{_text(name)}</th>' for name in names)}</tr></thead><tbody>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
    yield "</tbody></table>"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return _text(shortened(value if isinstance(value, str) else _json(value), _WIDTH))


def _json(value: Any) -> str:
    # The standard library's: a sum of whole numbers may need more than 64 bits.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _text(value: object) -> str:
    return escape(printable(str(value)))
