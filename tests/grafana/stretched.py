"""Recorded runs laid into hours: stretched, one after another on one port, the last without its end."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from nissa.cli.runs.replay import read_run
from nissa.events.event import Event
from nissa.events.kinds import PhaseTimed, RunEnded

__all__ = ["GAP", "Run", "laid_out"]

GAP = 600.0
"""Seconds from a run's end to the next one's start."""

Run = Sequence[Event[Any]]


def laid_out(paths: Sequence[Path], start: float, end: float) -> list[Run]:
    """The runs' events with what is derived from them, each run in its part of the time, the last without its end."""
    share = (end - start - GAP * (len(paths) - 1)) / len(paths)
    read = {path: _read(path) for path in dict.fromkeys(paths)}
    runs = []
    for n, path in enumerate(paths):
        events = read[path]
        if n == len(paths) - 1:
            seq = next((event.seq for event in events if type(event.payload) is RunEnded), sys.maxsize)
            events = [event for event in events if event.seq < seq]
        begin = start + n * (share + GAP)
        name = events[0].scope.run + (f"-{n + 1}" if path in paths[:n] else "")
        runs.append(_stretched(events, name, begin, begin + share))
    return runs


def _read(path: Path) -> Run:
    events: list[Event[Any]] = []
    read_run(path, events.append)
    return events


def _stretched(events: Run, name: str, start: float, end: float) -> Run:
    """The events evenly from start to end, however fast the run was; how long phases took is stretched as the whole."""
    factor = (end - start) / (events[-1].time - events[0].time)
    first, pace = events[0].seq, (end - start) / (events[-1].seq - events[0].seq)

    def moved(event: Event[Any]) -> Event[Any]:
        at, payload = start + pace * (event.seq - first), event.payload
        if type(payload) is PhaseTimed:
            payload = replace(payload, durations={k: factor * v for k, v in payload.durations.items()})
        return replace(event, time=at, scope=event.scope._replace(run=name), payload=payload)

    return [moved(event) for event in events]
