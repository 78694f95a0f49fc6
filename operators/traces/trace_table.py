"""The traces that are open. One closes with its episode, with its run, or when nothing comes any more."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from nissa.events.kinds import DenseTraceCaptured
from nissa.operators.fold import EnvKey
from nissa.operators.traces.open_trace import OpenTrace
from nissa.operators.traces.trace_event import dense_trace

__all__ = ["MAX_OPEN", "TraceTable"]

MAX_OPEN = 64
"""Traces that are open at a time. One more is not opened but counted, unless one of less use can make room for it."""


@dataclass(slots=True)
class TraceTable:
    """The traces that are open, the oldest first."""

    timeout: float
    """Seconds of silence of an environment after which its trace closes."""
    by_env: dict[EnvKey, OpenTrace] = field(default_factory=dict)
    due: float = inf
    """No trace can have fallen silent before."""
    untraced: int = 0
    """Alerts and marks that found no room, since the last trace was told."""

    def open(self, key: EnvKey, trace: OpenTrace) -> Iterator[DenseTraceCaptured]:
        """Add a trace if there is room; yields the one that had to make it."""
        if len(self.by_env) >= MAX_OPEN:
            if (least := self._least(trace)) is None:
                self.untraced += 1
                return
            yield from self.close(least, "crowded")
        self.by_env[key] = trace
        self.due = min(self.due, trace.heard + self.timeout)

    def close(self, key: EnvKey, why: str) -> Iterator[DenseTraceCaptured]:
        """End the trace of an environment, if there is one."""
        trace = self.by_env.pop(key, None)
        if trace and (event := dense_trace(trace, why, self.untraced)):
            self.untraced = 0
            yield event

    def close_silent(self, now: float) -> Iterator[DenseTraceCaptured]:
        """End those whose environment has said nothing for longer than the timeout."""
        if now < self.due:
            return
        for key in [key for key, trace in self.by_env.items() if now - trace.heard > self.timeout]:
            yield from self.close(key, "timeout")
        self.due = min((trace.heard for trace in self.by_env.values()), default=inf) + self.timeout

    def close_run(self, run: str) -> Iterator[DenseTraceCaptured]:
        """End those of a run."""
        for key in [key for key in self.by_env if key[0] == run]:
            yield from self.close(key, "run_ended")

    def _least(self, newcomer: OpenTrace) -> EnvKey | None:
        """The one that is worth less than a new one: the oldest without a batch, or of marks where that is an alert."""
        empty = (key for key, trace in self.by_env.items() if not (trace.before or trace.after))
        marks = (key for key, trace in self.by_env.items() if newcomer.alert and not trace.alert)
        return next(empty, None) or next(marks, None)
