"""`nissa monitor`: runs as they train, or as they were recorded, on a screen of their own."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError
from nissa.pipeline.following import runs_meant
from nissa.sinks.packages import MissingPackageError, needed

__all__ = ["add"]

_POLITE = 10
"""By so much the trainer goes first where both want the processor."""
_URL = "{0} has the last values alone, and no seeds, courses or alerts: give the directory of the run's log"


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("monitor", help="watch runs in the terminal, live or recorded")
    what = "a run, live or recorded, a folder of runs at any depth, or a file of lines (esper-lite's too)"
    parser.add_argument("paths", nargs="+", metavar="RUN", help=what)
    parser.add_argument("--no-color", action="store_true", help="use no colours")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    asked = [*_asked(arguments.paths)]
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        run = runs_meant(asked[0])[0]
        raise UsageError(f"this is no terminal: use `nissa replay {run}`, or `nissa brief {run}`")
    if arguments.no_color:
        os.environ["NO_COLOR"] = "1"
    try:
        for package in ("textual", "textual_plotext"):
            needed(package, "nissa[monitor]")
    except MissingPackageError as error:
        raise UsageError(error) from None
    # textual takes half a second to load, and only those who look need it.
    from nissa.cli.monitor.app import Monitor  # noqa: PLC0415
    from nissa.cli.monitor.looks import Looks  # noqa: PLC0415

    with suppress(OSError):
        os.nice(_POLITE)
    looks = Looks(asked)
    looks.start()
    try:
        Monitor(lambda: looks.current).run()
    finally:
        looks.close()
    return 0


def _asked(words: Sequence[str]) -> Iterator[Path]:
    """What is to be looked at. Raises UsageError where there can be no run."""
    for word in words:
        if word.startswith(("http://", "https://")):
            raise UsageError(_URL.format(word))
        path = Path(word)
        # A run that has not begun has no directory yet.
        if not path.parent.exists():
            raise UsageError(f"there is no {path.parent}: give the directory of a run")
        yield path
