"""Which traces are open, and when must one close? With its episode, its run, or when nothing comes any more."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

from nissa.events.kinds import DenseTraceCaptured
from nissa.operators.traces.captured import captured
from nissa.operators.traces.open_trace import Capture

__all__ = ["MAX_OPEN", "Key", "OpenTraces"]

MAX_OPEN = 64
"""Traces that are open at a time. One more is not opened but counted, unless one of less use can make room for it."""

Key = tuple[Any, ...]
"""Run, group and environment."""
Told = Iterator[DenseTraceCaptured]


@dataclass(slots=True)
class OpenTraces:
    """The traces that are open, the oldest first."""

    captures: dict[Key, Capture] = field(default_factory=dict)
    due: float = inf
    """No trace can have fallen silent before."""
    untraced: int = 0
    """Alerts and marks that found no room, since the last trace was told."""

    def open(self, key: Key, capture: Capture, timeout: float) -> Told:
        """Add a trace if there is room; yields the one that had to make it."""
        if len(self.captures) >= MAX_OPEN:
            if (least := self._least(capture)) is None:
                self.untraced += 1
                return
            yield from self.close(least, "crowded")
        self.captures[key] = capture
        self.due = min(self.due, capture.heard + timeout)

    def close(self, key: Key, why: str) -> Told:
        """End the trace of an environment, if there is one."""
        capture = self.captures.pop(key, None)
        if capture and (trace := captured(capture, why, self.untraced)):
            self.untraced = 0
            yield trace

    def close_silent(self, now: float, timeout: float) -> Told:
        """End those whose environment has said nothing for longer than `timeout` seconds."""
        if now < self.due:
            return
        for key in [key for key, capture in self.captures.items() if now - capture.heard > timeout]:
            yield from self.close(key, "timeout")
        self.due = min((capture.heard for capture in self.captures.values()), default=inf) + timeout

    def close_run(self, run: str) -> Told:
        """End those of a run."""
        for key in [key for key in self.captures if key[0] == run]:
            yield from self.close(key, "run_ended")

    def _least(self, newcomer: Capture) -> Key | None:
        """The one that is worth less than a new one: the oldest without a batch, or of marks where that is an alert."""
        empty = (key for key, capture in self.captures.items() if not (capture.before or capture.after))
        marks = (key for key, capture in self.captures.items() if newcomer.alert and not capture.alert)
        return next(empty, None) or next(marks, None)
