"""A JSON document on the standard output, as several subcommands print it."""

import json
import sys
from typing import Any

import orjson

from nissa.events.json_encoding import plain
from nissa.sinks.printable import json_printable

__all__ = ["write_json"]


def write_json(document: Any) -> None:
    """Print plain data, indented, with a line end; what is not finite becomes a text.

    Characters that the output has not, or that would steer a terminal, are written as JSON writes their numbers.
    """
    text = json_printable(orjson.dumps(plain(document), option=orjson.OPT_INDENT_2).decode())
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=2)
    sys.stdout.write(f"{text}\n")
