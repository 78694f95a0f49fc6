"""`nissa traces` and `nissa trace`: the dense traces of a recorded run, one line each, and one of them as text.

Traces of marks alone, the turns in the lives of seeds, are many: they are counted, and listed where they are asked for.
"""

import argparse
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError, at_least
from nissa.cli.runs.replay import judged, read_run
from nissa.cli.runs.trace_headlines import Headlines
from nissa.cli.runs.trace_text import report
from nissa.cli.terminal import write_lines
from nissa.events.event import Event
from nissa.events.kinds import DenseTraceCaptured

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare both subcommands."""
    every = commands.add_parser("traces", help="list what was traced around the alerts of a recorded run")
    every.add_argument("path", type=Path, metavar="PATH", help="a run directory, or a file of its lines")
    every.add_argument("--marks", action="store_true", help="with those of a seed's life alone (marks)")
    every.set_defaults(run=_list)
    one = commands.add_parser("trace", help="show one of the traces: what fired, what was done before, what changed")
    one.add_argument("path", type=Path, metavar="PATH", help="a run directory, or a file of its lines")
    one.add_argument("number", type=at_least(1), metavar="N", help="number of the trace, as `nissa traces` shows it")
    one.set_defaults(run=_show)


class _Nth:
    """A sink that keeps one trace."""

    kinds = (DenseTraceCaptured,)

    def __init__(self, number: int) -> None:
        self.count, self.number = 0, number
        self.found: DenseTraceCaptured | None = None

    def __call__(self, event: Event[DenseTraceCaptured]) -> None:
        self.count += 1
        if self.count == self.number:
            self.found = event.payload


def _list(arguments: argparse.Namespace) -> int:
    found = Headlines(marks=arguments.marks)
    result = read_run(arguments.path, found)
    write_lines(found.text())
    return judged(arguments.command, result)


def _show(arguments: argparse.Namespace) -> int:
    wanted = _Nth(arguments.number)
    result = read_run(arguments.path, wanted)
    if wanted.found is None:
        raise UsageError(f"there is no trace {wanted.number}: `nissa traces --marks` lists {wanted.count}")
    write_lines(report(wanted.found, wanted.number))
    return judged(arguments.command, result)
