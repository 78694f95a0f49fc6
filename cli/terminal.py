"""Where subcommands print: tables to a terminal as wide as it is, a file or a pipe as wide as the tables want."""

import os
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from nissa.sinks.printable import printable
from nissa.sinks.terminals import is_terminal

__all__ = ["Shown", "say", "terminal", "write_lines"]

_WIDTH = 120
"""Columns that all tables have room in."""


def terminal(*, no_color: bool) -> Console:
    """The standard output. Without a terminal, the variable COLUMNS says how wide it is."""
    console = Console(no_color=no_color, highlight=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console


def say(console: Console, line: str, style: str = "") -> None:
    """Print one line, whatever names are in it; a narrow terminal breaks it."""
    console.print(Text(printable(line), style), soft_wrap=True)


def write_lines(lines: Iterable[str]) -> None:
    """Print lines to the standard output as they are, whatever names are in them."""
    sys.stdout.writelines(f"{printable(line)}\n" for line in lines)


class Shown:
    """The standard output, for data: exact in a file or a pipe; a terminal is shown what would steer it as its code."""

    def write(self, text: str) -> int:
        """Write it on."""
        shown = "\n".join(map(printable, text.split("\n"))) if is_terminal(sys.stdout) else text
        return sys.stdout.write(shown)
