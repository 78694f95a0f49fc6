"""What it takes to train a run again: all that it told of how it was set up, and the commands that use it."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from nissa.cli.runs.report.page.elements import Element, tag
from nissa.cli.runs.report.page.tables import table
from nissa.cli.runs.report.taking import Known
from nissa.events.json_encoding import plain
from nissa.sinks.printable import shortened
from nissa.sinks.text import counted

__all__ = ["setup"]

_LONGEST = 2_000
"""Characters of a value."""


def setup(known: Known) -> Iterator[Element]:
    """A row for each fact, and the commands."""
    started = known.ends.started
    if started is None:
        yield tag("p", "How the run was set up was not told.")
    else:
        facts = [(name, value) for name, value in plain(started).items() if value not in (None, {}, [])]
        yield table("Set-up", ("what", "as told"), [(name, _value(value)) for name, value in facts])
    if known.ends.resumed:
        yield tag("p", f"Another process went on with it {counted(known.ends.resumed, 'time')}.")
    path = shlex.quote(str(known.path))
    again = [f"nissa reproduce {path}"] if started else []
    for command in (*again, f"nissa replay {path} --json", f"nissa brief {path}"):
        yield tag("p", tag("code", command))


def _value(value: Any) -> Element | str:
    if isinstance(value, Mapping):
        return tag("ul", [tag("li", f"{name}: ", _text(each)) for name, each in value.items()], class_="facts")
    return _text(value)


def _text(value: Any) -> str:
    return shortened(value if isinstance(value, str) else orjson.dumps(value).decode(), _LONGEST)
