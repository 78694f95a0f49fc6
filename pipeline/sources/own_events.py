"""Events of Nissa's own, line by line, and those that a collector derived beside them."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from nissa.events.codec import MalformedLineError, decode
from nissa.events.event import Event
from nissa.pipeline.sources.lines import Lines, check, lines
from nissa.pipeline.sources.read_report import Reading
from nissa.sinks.run_log import DERIVED, segments

__all__ = ["own_event", "own_events", "with_derived"]


def own_event(place: str, line: bytes, reading: Reading) -> Event[Any] | None:
    """The event of a line; None, and counted, if it is none of Nissa's."""
    try:
        check(line)
        return decode(line, lambda what: reading.strange(place, what))
    except MalformedLineError as error:
        reading.refuse(place, line, str(error))
        return None


def own_events(content: Lines, reading: Reading) -> Iterator[Event[Any]]:
    """The events of lines, each once."""
    for place, line in content:
        if (event := own_event(place, line, reading)) and reading.admit(event):
            yield event


def with_derived(events: Iterator[Event[Any]], directory: Path, reading: Reading) -> Iterator[Event[Any]]:
    """Emitted events, each followed by what was derived from it in a file beside them."""
    files = segments(directory, DERIVED)
    derived = own_events(chain.from_iterable(lines(file, reading) for file in files), reading)
    waiting = next(derived, None)
    for event in events:
        yield event
        while waiting and waiting.seq <= event.seq:
            yield waiting
            waiting = next(derived, None)
    yield from chain([waiting] if waiting else [], derived)
