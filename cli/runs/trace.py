"""`nissa trace`: one dense trace of a recorded run, as text that a person can reason from."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError, at_least
from nissa.cli.runs.replay import read_run
from nissa.cli.runs.trace_text import report
from nissa.events.event import Event
from nissa.events.kinds import DenseTraceCaptured

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("trace", help="show one of the traces: what fired, what changed first, which layer")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run directory, or a file of its lines")
    parser.add_argument("number", type=at_least(1), metavar="N", help="number of the trace, as `nissa traces` shows it")
    parser.set_defaults(run=_run)


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


def _run(arguments: argparse.Namespace) -> int:
    wanted = _Nth(arguments.number)
    read_run(arguments.path, wanted)
    if wanted.found is None:
        raise UsageError(f"there is no trace {wanted.number}: `nissa traces` lists {wanted.count}")
    sys.stdout.write(report(wanted.found, wanted.number) + "\n")
    return 0
