"""Where subcommands print tables: a terminal as wide as it is, a file or a pipe as wide as the tables want."""

import os

from rich.console import Console

__all__ = ["terminal"]

_WIDTH = 120
"""Columns that all tables have room in."""


def terminal(*, no_color: bool) -> Console:
    """The standard output. Without a terminal, the variable COLUMNS says how wide it is."""
    console = Console(no_color=no_color, highlight=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console
