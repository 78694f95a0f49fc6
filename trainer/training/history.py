"""What a run leaves behind in process: every episode's course, and a digest of the final weights."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import nn

from nissa.trainer.training.validation import Validation

__all__ = ["Course", "EpisodeRecord", "History", "Measured", "trend", "weights_digest"]


@dataclass(kw_only=True)
class Course:
    """Validation losses in nats and accuracies in percent, from epoch 0, the host before its first epoch."""

    val_losses: list[float] = field(default_factory=list)
    val_accuracies: list[float] = field(default_factory=list)

    def note(self, validation: Validation) -> None:
        """Add an epoch."""
        self.val_losses.append(validation.loss)
        self.val_accuracies.append(validation.accuracy)

    def delta(self, epoch: int) -> float:
        """Change of the accuracy over an epoch, from 1, in percentage points."""
        return self.val_accuracies[epoch] - self.val_accuracies[epoch - 1]


class Measured(NamedTuple):
    """One network: its validation accuracy in percent and loss in nats, and (host + its seeds) / host."""

    accuracy: float
    loss: float
    growth_ratio: float


@dataclass(kw_only=True)
class EpisodeRecord(Course):
    """An episode: for each epoch also training loss and accuracy, reward, and growth with all seeds then present.

    `kept` is what remains at the end, once the seeds that did not fossilize are gone; None until then.
    """

    env: int
    episode: int
    train_losses: list[float] = field(default_factory=list)
    train_accuracies: list[float] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    growth_ratios: list[float] = field(default_factory=list)
    kept: Measured | None = None

    @property
    def final(self) -> Measured:
        """The network as it was trained, after the last epoch so far."""
        return Measured(self.val_accuracies[-1], self.val_losses[-1], self.growth_ratios[-1])


@dataclass(frozen=True, kw_only=True)
class History:
    """A run: its episodes in the order in which they ended, and by environment the host trained alone."""

    episodes: list[EpisodeRecord]
    twins: list[Course]
    weights_digest: str


def trend(accuracies: Sequence[float], window: int = 3) -> float:
    """Mean of the last `window` accuracies minus mean of the `window` before, or of what there is of them."""
    recent, before = accuracies[-window:], accuracies[-2 * window : -window]
    return sum(recent) / len(recent) - sum(before) / len(before) if before else 0.0


def weights_digest(modules: Iterable[nn.Module]) -> str:
    """SHA-256, in hex, over the names, shapes and bits of all parameters."""
    digest = hashlib.sha256()
    for module in modules:
        for name, tensor in module.state_dict().items():
            digest.update(f"{name}{tuple(tensor.shape)}".encode() + tensor.numpy().tobytes())
    return digest.hexdigest()
