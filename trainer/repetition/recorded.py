"""What does a log say of how its run was trained? Settings, configuration, and how closely it was looked at, where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from nissa.events.event import Env, Event, Scope
from nissa.events.kinds import EpisodeEnded, FidelityFollowed, ProbesConfigured, RunEnded, RunStarted
from nissa.events.vocabulary import Fidelity
from nissa.pipeline.config import TelemetryConfig
from nissa.pipeline.sources import Reading, UnreadableRunError, read_log
from nissa.trainer.settings import Settings

__all__ = ["Ended", "NothingToTrainError", "RecordedRun", "recorded_run"]


class NothingToTrainError(Exception):
    """A log does not tell of one training that can be done again; the message says what it tells of."""


class Ended(NamedTuple):
    """Validation accuracies in percent at an episode's end: of the network as trained, and of what is kept."""

    final: float | None
    kept: float | None


@dataclass
class RecordedRun:
    """A run of this trainer, as its log has it."""

    path: Path
    run: str = ""
    started: RunStarted | None = None
    starts: int = 0
    config: Mapping[str, Any] | None = None
    schedule: dict[tuple[Any, ...], tuple[Fidelity, int]] = field(default_factory=dict)
    """How closely probes looked from there on, and in how many looks they took one: by group, env, episode, epoch,
    look and batch."""
    reached: tuple[int, int] = (0, 1)
    """The last episode that was begun, and its last epoch."""
    completed: bool = False
    """Whether the run came to its end."""
    episodes: dict[tuple[Env | None, int | None], Ended] = field(default_factory=dict)
    """How episodes ended, by env and episode."""
    reading: Reading = field(default_factory=Reading)

    def note(self, event: Event[Any]) -> None:
        """Take an emitted event in."""
        payload, scope = event.payload, event.scope
        if scope.episode is not None:
            self.reached = max(self.reached, (scope.episode, scope.epoch or 1))
        match payload:
            case RunStarted():
                self.run, self.started, self.starts = scope.run, payload, self.starts + 1
            case ProbesConfigured() if self.config is None:
                self.config = payload.config
            case FidelityFollowed():
                level: Fidelity = "dense" if payload.level == "dense" else "normal"
                self.schedule[(*scope[1:], payload.look, payload.batch)] = level, payload.one_in
            case EpisodeEnded():
                self.episodes[scope.env, scope.episode] = Ended(payload.final_accuracy, payload.kept_accuracy)
            case RunEnded():
                self.completed = payload.outcome == "completed"

    def follow(self, scope: Scope, look: str, batch: int | None) -> tuple[Fidelity, int] | None:
        """How closely to look from here on, and in how many looks to take one, if it is not as before."""
        return self.schedule.get((*scope[1:], look, batch))

    def gaps(self) -> list[str]:
        """What the log lacks, a line each: it would differ from any repetition."""
        lost, complaint = self.reading.dropped, self.reading.complaint()
        return [*([f"the log lacks {lost:,} events"] if lost else []), *([complaint] if complaint else [])]

    def settings(self) -> Settings:
        """With what it was trained. Raises NothingToTrainError."""
        if self.reading.foreign:
            raise NothingToTrainError(f"{self.path} is a log of {self.reading.foreign.system}, which trains elsewhere")
        if self.started is None:
            raise NothingToTrainError(f"{self.path} has no run_started, which says with what it was trained")
        if self.starts > 1:
            raise NothingToTrainError(f"{self.path} was trained {self.starts} times: no one training can be repeated")
        if before := self.started.hyperparameters.get("trained_in"):
            raise NothingToTrainError(f"{self.path} was decided by the policy that {before} trained: repeat that one")
        try:
            return Settings.told(self.started.hyperparameters)
        except ValueError as error:
            raise NothingToTrainError(f"{self.path} was not trained by `nissa demo` or `study`: {error}") from None

    def configuration(self) -> TelemetryConfig:
        """With what it was measured. Raises NothingToTrainError."""
        try:
            return TelemetryConfig.model_validate(self.config or {})
        except ValueError as error:
            raise NothingToTrainError(f"{self.path}: its configuration is none: {error}") from None


def recorded_run(path: Path) -> RecordedRun:
    """Read a log once. Raises NothingToTrainError if there is no run at `path`."""
    found = RecordedRun(path)
    try:
        for event in read_log(path, found.reading):
            if not event.ordinal:
                found.note(event)
    except UnreadableRunError as error:
        raise NothingToTrainError(str(error)) from None
    return found
