"""A JSON document on the standard output, as several subcommands print it."""

import sys
from typing import Any

import orjson

from nissa.events.json_encoding import plain

__all__ = ["write_json"]


def write_json(document: Any) -> None:
    """Print plain data, indented, with a line end; what is not finite becomes a text."""
    sys.stdout.write(orjson.dumps(plain(document), option=orjson.OPT_INDENT_2).decode() + "\n")
