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
    StageChanged,
)
from nissa.events.vocabulary import EMPTY_STAGES
from nissa.operators.fold import Keyed
from nissa.pipeline.sources.esper.rounds import Rounds

__all__ = ["History", "Host"]

_MOST = 1000
"""Seeds of a network that are remembered as ended."""


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
    """The last seed of each slot, ended ones included: a rollback may bring one back."""
    ended: dict[str | None, SeedFossilized | SeedCulled] = field(default_factory=dict)
    """How seeds ended, by name."""
    ratio: tuple[Any, float] | None = None
    """Of the policy: which of its updates a warning was about, and the largest probability ratio in it."""
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

    @property
    def fossilized(self) -> list[int | None]:
        """Parameters of each seed that was seen to fossilize and was not culled since."""
        return [end.params_added for end in self.ended.values() if isinstance(end, SeedFossilized)]

    def growth_ratio(self) -> float | None:
        """(host + parameters of the fossilized seeds) / host, if all their sizes are known."""
        sizes = [size for size in self.fossilized if size is not None]
        if not self.host_params or len(sizes) < len(self.fossilized):
            return None
        return (self.host_params + sum(sizes)) / self.host_params

    def note(self, payload: Any, epoch: int | None) -> bool:
        """Take in what a translated event tells; whether it is of a seed that had ended, and was brought back."""
        match payload:
            case EpochCompleted():
                self.accuracy_before = self.val_accuracy if self.epoch is not None and epoch == self.epoch + 1 else None
                self.epoch, self.val_loss, self.val_accuracy = epoch, payload.val_loss, payload.val_accuracy
            case SeedGerminated():
                self.seeds[payload.slot] = payload
                self.ended.pop(payload.seed, None)
            case StageChanged() if self.is_present(payload.from_stage) and payload.from_stage != "FOSSILIZED":
                return self._brought_back(payload.seed)
            case SeedFossilized() | SeedCulled():
                again = self._brought_back(payload.seed)
                self.ended[payload.seed] = payload
                if len(self.ended) > _MOST:
                    del self.ended[next(iter(self.ended))]
                return again
        return False

    def _brought_back(self, seed: str | None) -> bool:
        """A seed that ended and lives on."""
        there = seed is not None and seed in self.ended
        self.ended.pop(seed, None)
        return there

    @staticmethod
    def is_present(stage: str) -> bool:
        """Whether a slot in this stage holds a seed."""
        return stage not in EMPTY_STAGES


class History:
    """The environments by group and number, in as much memory as `Keyed` allows; of each the last two episodes."""

    def __init__(self) -> None:
        self._runs: Keyed[RunStarted | None] = Keyed(lambda: None)
        self._hosts: Keyed[list[Host]] = Keyed(list)
        self.rounds: Keyed[Rounds] = Keyed(Rounds)

    def host(self, group: str | None, env: int | None, episode: int | None, unnumbered: bool = False) -> Host:
        """The host of an episode, or of the current one; nothing is known of one before the last two.

        What is `unnumbered` should have told its episode and did not, so it may belong to any.
        """
        hosts = self._hosts[group, env, unnumbered]
        if not hosts:
            hosts.append(Host(self._runs[group], episode))
        now = hosts[-1]
        if episode is None or episode == now.episode:
            return now
        if hosts[0].episode == episode:
            return hosts[0]
        late = now.episode is not None and episode < now.episode
        fresh = Host(self._runs[group], episode, started=late)
        if not late:
            hosts[:] = [now, fresh]
        return fresh

    def begin(self, group: str | None, run: RunStarted) -> None:
        """A training of a group starts: whatever was there of it before belongs to another."""
        self._runs[group] = run
        for key in [key for key in self._hosts.items if key[0] == group]:
            del self._hosts.items[key]

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
