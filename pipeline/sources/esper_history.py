"""What the lines before this one told: the run's settings, and of each environment its episode, epoch and seeds."""

from dataclasses import dataclass, field
from typing import Any

from nissa.events.kinds import (
    EpisodeStarted,
    EpochCompleted,
    RunStarted,
    SeedCulled,
    SeedFossilized,
    SeedGerminated,
)
from nissa.operators.stream import Keyed

__all__ = ["History", "Host"]

_GONE = {"DORMANT", "CULLED", "EMBARGOED", "RESETTING"}
"""Stages of a slot whose seed is not there, or not any more."""


@dataclass(slots=True)
class Host:
    """The network of one episode."""

    run: RunStarted | None = None
    episode: int | None = None
    epoch: int | None = None
    """Host epoch completed last."""
    val_loss: float | None = None
    val_accuracy: float | None = None
    accuracy_before: float | None = None
    """Validation accuracy after the epoch before."""
    seeds: dict[str, SeedGerminated] = field(default_factory=dict)
    """Seeds by slot, fossilized ones included."""
    fossilized: list[int] = field(default_factory=list)
    """Parameters of each fossilized seed."""
    started: bool = False
    """Whether its start was told."""

    @property
    def host_params(self) -> int | None:
        """Parameters of the host before any seed, if known."""
        return self.run.host_params if self.run else None

    def size(self, slot: str, blueprint: str | None) -> int | None:
        """Parameters of the seed in a slot, if it was seen to germinate."""
        seed = self.seeds.get(slot)
        return seed.params if seed and blueprint in (None, seed.blueprint) else None

    def blueprint(self, slot: str, seed: str | None) -> str | None:
        """Blueprint of a seed, if it was seen to germinate."""
        born = self.seeds.get(slot)
        return born.blueprint if born and seed == born.seed else None

    def growth_ratio(self) -> float | None:
        """(host + fossilized parameters) / host, if the host's size is known."""
        return (self.host_params + sum(self.fossilized)) / self.host_params if self.host_params else None

    def note(self, payload: Any, epoch: int | None) -> None:
        """Take in what a translated event tells."""
        match payload:
            case EpochCompleted():
                self.accuracy_before = self.val_accuracy if self.epoch is not None and epoch == self.epoch + 1 else None
                self.epoch, self.val_loss, self.val_accuracy = epoch, payload.val_loss, payload.val_accuracy
            case SeedGerminated():
                self.seeds[payload.slot] = payload
            case SeedFossilized():
                self.fossilized.append(payload.params_added)
            case SeedCulled():
                self.seeds.pop(payload.slot, None)

    @staticmethod
    def is_present(stage: str) -> bool:
        """Whether a slot in this stage holds a seed."""
        return stage not in _GONE


class History:
    """The environments by group and number, in as much memory as `Keyed` allows."""

    def __init__(self) -> None:
        self.run: RunStarted | None = None
        self._hosts: Keyed[Host] = Keyed(Host)

    def host(self, group: str | None, env: int | None, episode: int | None) -> Host:
        """The host of an episode; one that nothing is known of if a later episode has begun."""
        key, now = (group, env), self._hosts[group, env]
        if episode is None or episode == now.episode:
            return now
        fresh = Host(self.run, episode)
        if now.episode is None or episode > now.episode:
            self._hosts[key] = fresh
        return fresh

    def begin(self, run: RunStarted) -> None:
        """A training starts: whatever was there before belongs to another."""
        self.run = run
        self._hosts = Keyed(lambda: Host(run))

    def start(self, host: Host) -> EpisodeStarted | None:
        """The start of an episode that no line tells: once each, and if the run's own start was seen."""
        if host.started or host.episode is None or (run := host.run) is None:
            return None
        host.started = True
        return EpisodeStarted(
            policy=str(run.hyperparameters.get("episode_id") or "unknown").partition("_")[0],
            task_type=run.task_type,
            max_epochs=run.max_epochs,
            host_params=run.host_params,
            slot_config=run.slot_config,
            hyperparameters={},
        )
