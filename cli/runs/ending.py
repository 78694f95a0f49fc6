"""How did a run end? A sentence about one that failed, was interrupted or died, and nothing about any other."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import RunEnded, RunResumed
from nissa.sinks.run_log import seems_written, segments

__all__ = ["Ending", "ending"]


@dataclass
class Ending:
    """A consumer that keeps the end of a run, unless it went on."""

    kinds = (RunEnded, RunResumed)

    ended: RunEnded | None = None

    def __call__(self, event: Event[Any]) -> None:
        self.ended = event.payload if isinstance(event.payload, RunEnded) else None


def ending(path: Path, ended: RunEnded | None) -> str:
    """In a sentence; empty where the run at `path` was completed or goes on, or is a file that anybody may write."""
    if ended is None:
        (*_, last) = segments(path) or (None,)
        died = last is not None and not seems_written(last)
        return "The run has no end, and nobody writes it any more: it died, or was killed." if died else ""
    if ended.outcome == "completed":
        return ""
    error = f": {ended.error}" if ended.error else ""
    return f"The run {_VERBS.get(ended.outcome, 'ended as')} {ended.outcome}{error}."


_VERBS = {"failed": "has", "interrupted": "was"}
