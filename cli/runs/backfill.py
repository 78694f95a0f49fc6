"""`nissa backfill`: the past of a recorded run, for a Prometheus that did not scrape it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError, at_least
from nissa.cli.runs.replay import judged, read_run
from nissa.sinks.prometheus import Backfill

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("backfill", help="write the past of a recorded run for Prometheus")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run, or a file of its lines (esper-lite's too)")
    parser.add_argument("file", type=Path, metavar="FILE", help="OpenMetrics for promtool tsdb create-blocks-from")
    parser.add_argument("--every", type=at_least(1), default=15, metavar="SECONDS", help="from value to value (15)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    backfill = Backfill(arguments.every)
    result = read_run(arguments.path, backfill)
    try:
        with arguments.file.open("w", encoding="utf-8") as file:
            file.writelines(backfill.lines())
    except OSError as error:
        raise UsageError(f"cannot write {arguments.file}: {error.strerror}") from None
    sys.stdout.write(f"Run {result.run}, {result.reading.read:,} events: {arguments.file}.\n")
    sys.stdout.write("To make blocks of it, in an empty folder:\n")
    sys.stdout.write(f"  promtool tsdb create-blocks-from openmetrics {arguments.file} DATA\n")
    return judged(arguments.command, result)
