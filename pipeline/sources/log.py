"""Events from a recorded run: a run directory, one of its segments, or a file of such lines; also another system's."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from nissa.events.codec import MalformedLineError, decode
from nissa.events.scope import Event
from nissa.pipeline.sources.esper_log import is_esper, read_esper
from nissa.pipeline.sources.lines import LONGEST_LINE, Lines, find, lines
from nissa.pipeline.sources.reading import Reading, UnreadableRunError

__all__ = ["LONGEST_LINE", "Reading", "UnreadableRunError", "read_log"]

_LOOKED_AT = 100
"""Lines in which a log must show whose it is."""


def read_log(path: Path, reading: Reading) -> Iterator[Event[Any]]:
    """The events of a run in their order, each once; what is wrong is counted in `reading` and skipped.

    Raises UnreadableRunError if there is nothing at `path`, a directory that is no run, or no event in it.
    """
    for file in find(path, reading):
        content = lines(file, reading)
        head = _head(content)
        read = read_esper if any(is_esper(line) for _, line in head) else _read_own
        yield from read(chain(head, content), reading)
    if not reading.read:
        empty = "It holds derived events only." if reading.derived else "It is empty."
        raise UnreadableRunError(f"{path}: no line of it is an event. " + (reading.problems or [empty])[0])


def _head(content: Lines) -> list[tuple[str, bytes]]:
    """The first lines of a file, as far as one that says whose it is."""
    head: list[tuple[str, bytes]] = []
    for numbered in content:
        head.append(numbered)
        if len(head) == _LOOKED_AT or is_esper(numbered[1]) or _is_own(numbered[1]):
            break
    return head


def _is_own(line: bytes) -> bool:
    try:
        decode(line)
    except MalformedLineError:
        return False
    return True


def _read_own(content: Lines, reading: Reading) -> Iterator[Event[Any]]:
    for place, line in content:
        try:
            event = decode(line)
        except MalformedLineError as error:
            torn = "" if line.endswith(b"\n") else "torn last line: "
            reading.wrong(f"{place}: {torn}{error}")
            reading.malformed += 1
            continue
        if reading.admit(event):
            yield event
