"""What a user asks of a `Telemetry`, and what it then speaks to, wherever the work is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reactivex import Observable

from nissa.events.event import Event, Scope
from nissa.events.kinds import PipelineState
from nissa.pipeline.config import TelemetryConfig
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.hub import FidelityFollower, Hub
from nissa.pipeline.resume import Resumed, run_in
from nissa.sinks import Sink
from nissa.sinks.run_log import RunLog
from nissa.sinks.serving import OPEN, Guard

if TYPE_CHECKING:
    from nissa.operators import Operator
    from nissa.pipeline.collector import CollectorProcess
    from nissa.pipeline.jobs import JobProcess
    from nissa.sinks import MetricsServer
    from nissa.sinks.console import LiveLines

__all__ = ["Asked", "Compare", "Wiring", "run_log"]

Compare = Callable[[FaultLog], "JobProcess | None"]
"""Starts the process that compares the ranks of a job, where this one is to. Raises OSError."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user handed to `Telemetry`, checked."""

    run: Scope
    trainer: FidelityFollower
    config: TelemetryConfig
    directory: Path | None
    address: tuple[str, int] | None
    """Where to serve /metrics."""
    sinks: Mapping[str, Sink]
    operators: "Mapping[str, Operator]"
    capacity: int
    resume: bool
    linger: float
    console: bool | None = None
    """Whether the run shows itself on stderr; None: where that is a terminal."""
    guard: Guard = OPEN
    """Who may read /metrics."""

    @property
    def profile(self) -> tuple[str, float | None]:
        """The name of the profile, and what its looks are to cost where nobody asked for something else."""
        config, told = self.config, self.config.always_dense or self.config.overhead is not None
        return config.profile_name, None if told else config.expected_overhead


@dataclass(frozen=True, slots=True)
class Wiring:
    """The parts of a run."""

    hub: Hub
    snapshot: Callable[[], dict[str, list[dict[str, Any]]]]
    """The summary tables."""
    state: Callable[[], PipelineState]
    """The account of hub, sinks and, where there is one, collector."""
    resumed: Resumed | None
    """Where the run stood before, if it goes on."""
    stream: Observable[Event[Any]] | None = None
    """All events, where they are delivered in this process."""
    server: "MetricsServer | None" = None
    collector: "CollectorProcess | None" = None
    terminal: "LiveLines | None" = None
    """What shows the run on stderr."""
    comparing: "JobProcess | None" = None


def run_log(directory: Path, run: str, resume: bool) -> RunLog:
    """The log of a run. Raises ValueError where the directory holds another run than the one that is to go on."""
    if resume and (there := run_in(directory)) not in (None, run):
        raise ValueError(f"{directory} holds the run {there!r}, which cannot go on as {run!r}")
    return RunLog(directory, resume=resume)
