"""Text for people: numbers, names and places, a dash for what is missing, and the tables that are made of them.

>>> number(0.5, "{:.0%}"), number(None, "{:.0%}"), number("NaN", "{:.2f}")
('50%', '-', 'nan')
>>> place("ppo", 0, 3), place("ppo", 0, 3, short=True), place(None, "walker", short=True)
('ppo env 0 episode 3', 'ppo env0 ep3', 'env walker')
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from itertools import pairwise
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from nissa.events.event import Env
from nissa.sinks.printable import printable

__all__ = [
    "DASH",
    "Cells",
    "NarrowingTable",
    "Row",
    "cell",
    "counted",
    "filled_table",
    "joined",
    "name",
    "note",
    "number",
    "place",
    "place_cells",
    "table",
    "text_lines",
]

Row = Mapping[str, Any]
Cells = Sequence[Text | str]
DASH = "-"
_WIDEST = 10_000
"""Characters of a line of a table in text, beyond which its cells are broken."""
_BETWEEN = 2
"""Characters between columns."""
_LEAST_NAME = 8
_LEAST_TEXT = 16
"""Characters that a narrow terminal leaves of names, and of columns that may break lines."""


def number(value: Any, form: str, missing: str = DASH) -> str:
    """A number in a format, also one that is not finite and so a string; `missing` for None."""
    return missing if value is None else form.format(float(value) if isinstance(value, str) else value)


def name(value: object) -> Text:
    """A name as it is: brackets in it are no markup."""
    return Text(DASH if value in (None, "") else printable(str(value)))


def cell(value: Text | str) -> Text:
    """A cell as it may be shown: nothing in it is markup, or steers the terminal."""
    if isinstance(value, str):
        return Text(printable(value))
    if (plain := printable(value.plain)) == value.plain:
        return value
    return Text(plain, value.style, justify=value.justify, overflow=value.overflow, no_wrap=value.no_wrap)


def counted(count: int | None, what: str, missing: str = DASH) -> str:
    """How many of them: "1 epoch", "2,000 epochs"; `missing` where that is not known."""
    return missing if count is None else f"{count:,} {what}{'' if count == 1 else 's'}"


def joined(between: str, *parts: object) -> str:
    """The parts that say something, one behind the other.

    >>> joined(", ", "3 epochs", "", None, 5)
    '3 epochs, 5'
    """
    return between.join(str(part) for part in parts if part not in (None, ""))


def place(
    group: str | None, env: Env | None, episode: int | None = None, epoch: int | None = None, *, short: bool = False
) -> str:
    """Where something happened, as far as that is known."""
    names = ("env " if isinstance(env, str) else "env", "ep", "e") if short else ("env ", "episode ", "epoch ")
    known = zip(names, (env, episode, epoch), strict=True)
    return joined(" ", group, *(f"{name}{value}" for name, value in known if value is not None))


def place_cells(group: str | None, env: Env | None, *numbers: int | None) -> list[Text | str]:
    """The same in columns: group, env, and as many of episode and epoch as are given."""
    return [name(group), name(env), *(number(value, "{}") for value in numbers)]


def table(title: str | None, left: Iterable[str], right: Iterable[str], wide: Iterable[str] = ()) -> "NarrowingTable":
    """An empty table: columns to the left, numbers to the right, and after them columns that may break lines."""
    looks: dict[str, Any] = {"box": box.SIMPLE_HEAD, "show_edge": False, "pad_edge": False, "padding": (0, 1, 0, 0)}
    made = NarrowingTable(title=title, title_justify="left", title_style="bold", **looks)
    for column in left:
        made.add_column(_cut(Text(column)))
        made.least.append(_LEAST_NAME)
    for column in right:
        made.add_column(column, justify="right", no_wrap=True)
        made.least.append(_WIDEST)
    for column in wide:
        made.add_column(column)
        made.least.append(_LEAST_TEXT)
    return made


class NarrowingTable(Table):
    """Where a terminal is narrow, names are cut and numbers never: if these have no room, each row is a list."""

    def __init__(self, **looks: Any) -> None:
        super().__init__(**looks)
        self.least: list[int] = []
        """Characters below which a column is not cut."""
        self.cells: list[list[Text]] = []

    def add(self, row: Cells) -> None:
        """Add a row, of which nothing is markup and nothing steers the terminal."""
        self.cells.append([*map(cell, row)])
        self.add_row(
            *(
                _cut(text) if least == _LEAST_NAME else text
                for least, text in zip(self.least, self.cells[-1], strict=True)
            )
        )

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = zip(self._heads(), *self.cells, strict=True)
        needed = (
            min(least, max(map(_width, column))) + _BETWEEN for least, column in zip(self.least, columns, strict=True)
        )
        if sum(needed) <= options.max_width:
            yield from super().__rich_console__(console, options)
        else:
            yield from self._lists()

    def heads(self) -> list[str]:
        """What stands above the columns, each in one line."""
        return [re.sub(r"\b-\n", "", head.plain).replace("\n", " ") for head in self._heads()]

    def _heads(self) -> list[Text]:
        return [Text(str(column.header)) for column in self.columns]

    def _lists(self) -> Iterator[Text]:
        """Each row line by line, without the cells that say nothing."""
        heads = self.heads()
        yield from [Text(str(self.title), style="bold")] if self.title else []
        for row in self.cells:
            told = [(head, text) for head, text in zip(heads, row, strict=True) if text.plain not in {DASH, ""}]
            for nth, (head, text) in enumerate(told):
                yield Text.assemble("  " if nth else "", (f"{head}: " if head else "", "dim"), (text.plain, text.style))


def _width(text: Text) -> int:
    return max(map(cell_len, text.plain.split("\n")))


def _cut(text: Text) -> Text:
    """In one line, which ends where there is no more room; a name that may break says so."""
    return text if text.no_wrap is False else Text(text.plain, text.style, no_wrap=True, overflow="ellipsis")


def filled_table(
    title: str | None, left: Sequence[str], right: Sequence[str], wide: Sequence[str], rows: Iterable[Cells]
) -> NarrowingTable:
    """A table with these rows, without the columns in which every cell is a dash or empty.

    The first one stays: it says what a row is of, and so where a row begins.
    """
    cells = [list(row) for row in rows]
    heads = [*left, *right, *wide]
    told = [not at or any(str(row[at]) not in {DASH, ""} for row in cells) for at in range(len(heads))]
    ends = (0, len(left), len(left) + len(right), len(heads))
    made = table(title, *([heads[n] for n in range(*part) if told[n]] for part in pairwise(ends)))
    for row in cells:
        made.add([cell for cell, shown in zip(row, told, strict=True) if shown])
    return made


def note(text: str) -> Text:
    """A line below a table: what its marks mean, or what it leaves out."""
    return Text(printable(text), style="dim")


def text_lines(shown: RenderableType) -> list[str]:
    """A table as lines of plain text, as wide as its cells are, whatever the terminal is."""
    console = Console(file=StringIO(), width=_WIDEST, color_system=None, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(shown)
    return [line.rstrip() for line in captured.get().splitlines()]
