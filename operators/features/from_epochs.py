"""The features that every configuration has, from the epochs of an episode alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from nissa.events.kinds import EpochCompleted, SlotSnapshot
from nissa.operators.assessment import Progress, point
from nissa.operators.features.catalog import HISTORY
from nissa.operators.growth import growth_ratio

__all__ = ["EpisodeHistory", "base_features", "largest"]


@dataclass(slots=True)
class EpisodeHistory:
    """An episode's last epochs and its best ones: losses in nats, accuracies in percent."""

    progress: Progress = field(default_factory=Progress)
    best_loss: float = math.inf
    best_accuracy: float = -math.inf

    def add(self, epoch: EpochCompleted) -> None:
        """Take an epoch in. What is not finite is never the best."""
        now = point(epoch)
        self.progress.add(now, len(HISTORY))
        if math.isfinite(now.val_loss):
            self.best_loss = min(self.best_loss, now.val_loss)
        if math.isfinite(now.val_accuracy):
            self.best_accuracy = max(self.best_accuracy, now.val_accuracy)


def base_features(history: EpisodeHistory, number: int | None, epoch: EpochCompleted) -> dict[str, float | None]:
    """By name, after `history` took the epoch in, which is the `number`-th. None where there is nothing to tell of."""
    newest_first = history.progress.points[::-1]
    losses, accuracies = [p.val_loss for p in newest_first], [p.val_accuracy for p in newest_first]
    return {
        "epoch": number,
        "train_loss": epoch.train_loss,
        "val_loss": epoch.val_loss,
        "loss_delta": _delta(losses),
        "train_accuracy": epoch.train_accuracy,
        "val_accuracy": epoch.val_accuracy,
        "accuracy_delta": _delta(accuracies),
        "plateau_epochs": history.progress.plateau_epochs,
        "best_val_accuracy": _finite(history.best_accuracy),
        "best_val_loss": _finite(history.best_loss),
        "generalization_gap": None if epoch.train_accuracy is None else epoch.train_accuracy - epoch.val_accuracy,
        **{f"loss_history_{n}": loss for n, loss in enumerate(losses, 1)},
        **{f"accuracy_history_{n}": accuracy for n, accuracy in enumerate(accuracies, 1)},
        "total_params": epoch.total_params,
        "growth_ratio": growth_ratio(epoch.host_params, epoch.fossilized_params),
        **_slots(epoch.slots),
    }


def largest(values: Sequence[float]) -> float | None:
    """The largest one; NaN as soon as one is, None of nothing."""
    return next((value for value in values if math.isnan(value)), max(values, default=None))


def _slots(slots: Sequence[SlotSnapshot]) -> dict[str, float | None]:
    taken = [slot for slot in slots if slot.stage != "DORMANT"]
    gains = [gain for slot in taken if (gain := slot.counterfactual_contribution) is not None]
    return {
        "live_seeds": sum(slot.stage != "FOSSILIZED" for slot in taken),
        "free_slots": len(slots) - len(taken),
        "mean_alpha": sum(slot.alpha for slot in taken) / len(taken) if taken else None,
        "best_contribution": largest(gains),
    }


def _finite(best: float) -> float:
    """NaN where every epoch so far was broken."""
    return best if math.isfinite(best) else math.nan


def _delta(newest_first: Sequence[float]) -> float | None:
    return newest_first[0] - newest_first[1] if len(newest_first) > 1 else None
