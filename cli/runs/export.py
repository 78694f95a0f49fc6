"""`nissa export`: all that is told of recorded runs as a folder of CSV or Parquet files."""

import argparse
from pathlib import Path
from typing import Any

from nissa.cli.runs.query import mended, reported
from nissa.cli.terminal import write_lines
from nissa.pipeline.query import FORMATS, export, found_runs
from nissa.sinks.text import counted

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("export", help="write recorded runs as a folder of CSV or Parquet files")
    parser.add_argument("paths", nargs="+", type=Path, metavar="RUN", help="a run, or a file of its lines")
    parser.add_argument(
        "-o", "--out", required=True, type=Path, metavar="FOLDER", help="a folder that is not there yet"
    )
    parser.add_argument("--format", choices=FORMATS, default="parquet", help="of the files (parquet)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with mended():
        rows, complaints = export(found_runs(*arguments.paths), arguments.out, arguments.format)
    files = counted(len(rows), "file")
    write_lines([f"{arguments.out}: {files}, {counted(sum(rows.values()), 'row')}; columns.csv says what is in them."])
    return reported(arguments.command, complaints)
