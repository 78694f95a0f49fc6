"""Events from a recorded run: a run directory, one of its segments, or a file of such lines; also another system's."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.pipeline.sources.esper import read_esper, refusal
from nissa.pipeline.sources.lines import LONGEST_LINE, Lines, find, lines
from nissa.pipeline.sources.own_events import own_event, own_events, with_derived
from nissa.pipeline.sources.read_report import Reading, UnreadableRunError
from nissa.sinks.run_log import DERIVED, segments

__all__ = ["LONGEST_LINE", "Reading", "UnreadableRunError", "log_files", "read_log"]


_NO_OBJECT = "not JSON, or no object: it does not begin with {"


def read_log(path: Path, reading: Reading) -> Iterator[Event[Any]]:
    """The events of a run in their order, each once; what is wrong is counted in `reading` and skipped.

    Raises UnreadableRunError if there is nothing at `path`, a directory that is no run, or no event in it.
    """
    emitted = chain.from_iterable(_read(lines(file, reading), reading) for file in find(path, reading))
    yield from with_derived(emitted, path, reading)
    if not reading.read:
        empty = "It holds derived events only." if reading.derived else "It is empty."
        raise UnreadableRunError(f"{path}: no line of it is an event. " + (reading.problems or [empty])[0])


def log_files(path: Path) -> list[Path]:
    """The files that hold the events of a run, those that a collector derived too. Raises UnreadableRunError."""
    return [*find(path, Reading()), *segments(path, DERIVED)]


def _read(content: Lines, reading: Reading) -> Iterator[Event[Any]]:
    """The events of a file. The first line that is an event says whose it is; those before it are none of either's."""
    before = Counter[str]()
    for place, line in content:
        if not line.lstrip().startswith(b"{"):
            # Most of what is no log at all: to parse it would take ten times as long.
            reading.refuse(place, line, _NO_OBJECT)
            before[_NO_OBJECT] += 1
        elif (reason := refusal(line)) is None:
            yield from read_esper(chain([(place, line)], content), reading, before)
        elif event := own_event(place, line, reading):
            if reading.admit(event):
                yield event
            yield from own_events(content, reading)
        else:
            before[reason] += 1
