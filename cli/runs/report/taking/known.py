"""All that a page says of a run, taken from its events: the tables of the operators, curves, lives and traces."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nissa.cli.runs.brief_decisions import Decided
from nissa.cli.runs.report.taking.curves import Curves
from nissa.cli.runs.report.taking.lives import Lives
from nissa.events.event import Event
from nissa.events.kinds import DenseTraceCaptured, RunEnded, RunResumed, RunStarted
from nissa.events.vocabulary import MARK, severity_rank
from nissa.pipeline.sources import Reading
from nissa.sinks.console import InjectedFaults
from nissa.sinks.store import RunStore
from nissa.sinks.tables import Tables

__all__ = ["Ends", "Known", "Traces"]

_TRACES = 40
"""Traces of alerts that are shown in full, the last ones."""


@dataclass
class Traces:
    """A sink that keeps the traces of alerts, with the numbers that `nissa trace` takes."""

    kinds = (DenseTraceCaptured,)

    count: int = 0
    alerts: int = 0
    """Traces of alerts; the others are of marks alone."""
    last: deque[tuple[int, DenseTraceCaptured]] = field(default_factory=lambda: deque(maxlen=_TRACES))

    def __call__(self, event: Event[DenseTraceCaptured]) -> None:
        self.count += 1
        if any(severity_rank(alert.severity) > severity_rank(MARK) for alert in event.payload.alerts):
            self.alerts += 1
            self.last.append((self.count, event.payload))


@dataclass
class Ends:
    """A sink that keeps how a run began, went on, and ended."""

    kinds = (RunStarted, RunResumed, RunEnded)

    started: RunStarted | None = None
    began: float | None = None
    resumed: int = 0
    ended: RunEnded | None = None

    def __call__(self, event: Event[Any]) -> None:
        if isinstance(event.payload, RunStarted):
            self.started, self.began = event.payload, event.time
        elif isinstance(event.payload, RunResumed):
            self.resumed, self.ended = self.resumed + 1, None
        else:
            self.ended = event.payload


@dataclass
class Known:
    """Of one run. `consumers` are to be given its events; the operators' own are in `tables`."""

    path: Path
    run: str | None = None
    reading: Reading = field(default_factory=Reading)
    tables: Tables = field(default_factory=Tables)
    store: RunStore = field(default_factory=RunStore)
    decided: Decided = field(default_factory=Decided)
    curves: Curves = field(default_factory=Curves)
    lives: Lives = field(default_factory=Lives)
    traces: Traces = field(default_factory=Traces)
    ends: Ends = field(default_factory=Ends)
    faults: InjectedFaults = field(default_factory=InjectedFaults)

    @property
    def consumers(self) -> Mapping[str, Any]:
        """By name; the tables are not among them."""
        return {
            "store": self.store,
            "decided": self.decided,
            "curves": self.curves,
            "lives": self.lives,
            "traces": self.traces,
            "ends": self.ends,
            "faults": self.faults,
        }
