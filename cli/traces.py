"""`nissa traces`: the dense traces of a recorded run, one line each."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nissa.cli.replay import read_run
from nissa.cli.trace_text import headline
from nissa.events.kinds import DenseTraceCaptured
from nissa.events.scope import Event

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("traces", help="list what was traced around the alerts of a recorded run")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run directory, or a file of its lines")
    parser.set_defaults(run=_run)


class _Headlines:
    """A sink that keeps a line for each trace, numbered as `nissa trace` takes it."""

    kinds = (DenseTraceCaptured,)

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event: Event[DenseTraceCaptured]) -> None:
        self.lines.append(f"{len(self.lines) + 1:>4}  {headline(event.payload)}\n")


def _run(arguments: argparse.Namespace) -> int:
    found = _Headlines()
    read_run(arguments.path, found)
    sys.stdout.writelines(found.lines or ["Nothing was traced: no alert was raised near a batch.\n"])
    return 0
