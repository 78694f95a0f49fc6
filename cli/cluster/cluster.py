"""`nissa cluster`: what can be asked about a job over many runs."""

from typing import Any

from nissa.cli.cluster import run, watch

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand, and those below it."""
    parser = commands.add_parser("cluster", help="work off the runs of many machines, on Apache Flink")
    below = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    run.add(below)
    watch.add(below)
