"""`nissa traces`: the dense traces of a recorded run, one line each."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nissa.cli.runs.replay import read_run
from nissa.cli.runs.trace_text import headline, severity
from nissa.events.event import Event
from nissa.events.kinds import DenseTraceCaptured

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("traces", help="list what was traced around the alerts of a recorded run")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run directory, or a file of its lines")
    parser.add_argument("--alerts", action="store_true", help="without those of a seed's life alone (marks)")
    parser.set_defaults(run=_run)


class _Headlines:
    """A sink that keeps a line for each trace, numbered as `nissa trace` takes it."""

    kinds = (DenseTraceCaptured,)

    def __init__(self, alerts: bool) -> None:
        self.count, self.alerts = 0, alerts
        self.lines: list[str] = []

    def __call__(self, event: Event[DenseTraceCaptured]) -> None:
        self.count += 1
        if not self.alerts or severity(event.payload) != "info":
            self.lines.append(f"{self.count:>4}  {headline(event.payload)}\n")

    def text(self) -> str:
        """All lines; one that says so where there are none."""
        if self.lines:
            return "".join(self.lines)
        if self.count:
            return f"No alert was traced; without --alerts, {self.count} traces of marks are listed.\n"
        return "Nothing was traced: no alert was raised near a batch.\n"


def _run(arguments: argparse.Namespace) -> int:
    found = _Headlines(arguments.alerts)
    read_run(arguments.path, found)
    sys.stdout.write(found.text())
    return 0
