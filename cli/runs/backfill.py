"""`nissa backfill`: the past of a recorded run, for a Prometheus that did not scrape it."""

import argparse
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError, at_least
from nissa.cli.runs.replay import judged, read_run
from nissa.cli.terminal import write_lines
from nissa.sinks.prometheus import Backfill
from nissa.sinks.run_log import segments

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("backfill", help="write the past of a recorded run for Prometheus")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run, or a file of its lines (esper-lite's too)")
    parser.add_argument("file", type=Path, metavar="FILE", help="OpenMetrics for promtool tsdb create-blocks-from")
    parser.add_argument("--every", type=at_least(1), default=15, metavar="SECONDS", help="from value to value (15)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    _refuse_own(arguments.path, arguments.file)
    backfill = Backfill(arguments.every)
    result = read_run(arguments.path, backfill)
    try:
        with arguments.file.open("w", encoding="utf-8") as file:
            file.writelines(backfill.lines())
    except OSError as error:
        raise UsageError(f"cannot write {arguments.file}: {error.strerror}") from None
    write_lines(
        (
            f"Run {result.run}, {result.reading.read:,} events: {arguments.file}.",
            "To make blocks of it, in an empty folder:",
            f"  promtool tsdb create-blocks-from openmetrics {arguments.file} DATA",
        )
    )
    return judged(arguments.command, result)


def _refuse_own(path: Path, file: Path) -> None:
    """Raises UsageError where the run itself would be written over, or into."""
    directory = path if path.is_dir() else path.parent if segments(path.parent) else None
    read = [*directory.iterdir()] if directory else [path]
    same = file.exists() and any(part.exists() and file.samefile(part) for part in read)
    if same or (directory and directory.resolve() in file.resolve().parents):
        raise UsageError(f"{file} belongs to the run that is read: give a file elsewhere")
