"""`nissa schema`: the JSON Schema of the log."""

import argparse
import sys
from typing import Any

import orjson

from nissa.events.schema import json_schema

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("schema", help="print the JSON Schema of a line of the log")
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    sys.stdout.write(orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0
