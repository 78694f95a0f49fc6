"""`nissa schema`: the JSON Schema of the log."""

import argparse
from typing import Any

from nissa.cli.documents import write_json
from nissa.events.schema import json_schema

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("schema", help="print the JSON Schema of a line of the log")
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    write_json(json_schema())
    return 0
