"""What the tables on a terminal are made of: columns, names as they are, numbers, and a dash for what is missing."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

__all__ = ["DASH", "Row", "name", "number", "table"]

Row = Mapping[str, Any]
DASH = "-"


def table(title: str, left: Iterable[str], right: Iterable[str], wide: Iterable[str] = ()) -> Table:
    """An empty table: columns to the left, numbers to the right, and after them columns that may break lines."""
    made = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in left:
        made.add_column(column, no_wrap=True)
    for column in right:
        made.add_column(column, justify="right", no_wrap=True)
    for column in wide:
        made.add_column(column)
    return made


def name(value: str | None) -> Text:
    """A name as it is: brackets in it are no markup."""
    return Text(str(value or DASH))


def number(value: Any, form: str) -> str:
    """A number in a format, also one that is not finite and so a string; a dash for None."""
    return DASH if value is None else form.format(float(value) if isinstance(value, str) else value)
