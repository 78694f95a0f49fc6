"""The features that every configuration has, from the epochs of an episode alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from nissa.events.kinds import EpochCompleted, SlotSnapshot
from nissa.events.vocabulary import EMPTY_STAGES
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

    def add(self, number: int | None, epoch: EpochCompleted) -> None:
        """Take an epoch in. What is not finite is never the best."""
        now = point(epoch)
        self.progress.add(number, now, len(HISTORY))
        if math.isfinite(now.val_loss):
            self.best_loss = min(self.best_loss, now.val_loss)
        if math.isfinite(now.val_accuracy):
            self.best_accuracy = max(self.best_accuracy, now.val_accuracy)


def base_features(history: EpisodeHistory, number: int | None, epoch: EpochCompleted) -> dict[str, float | None]:
    """By name, after `history` took the epoch in, which is the `number`-th. None where there is nothing to tell of.

    "Epochs back" are epochs: of one that was not told there is no loss.
    """
    progress = history.progress
    told = {n: progress.points[at] for n in HISTORY if (at := progress.epoch - n + 1) in progress.points}
    return {
        "epoch": number,
        "train_loss": epoch.train_loss,
        "val_loss": epoch.val_loss,
        "loss_delta": told[1].val_loss - told[2].val_loss if 2 in told else None,
        "train_accuracy": epoch.train_accuracy,
        "val_accuracy": epoch.val_accuracy,
        "accuracy_delta": told[1].val_accuracy - told[2].val_accuracy if 2 in told else None,
        "plateau_epochs": progress.plateau_epochs,
        "best_val_accuracy": _finite(history.best_accuracy),
        "best_val_loss": _finite(history.best_loss),
        "generalization_gap": None if epoch.train_accuracy is None else epoch.train_accuracy - epoch.val_accuracy,
        **{f"loss_history_{n}": point.val_loss for n, point in told.items()},
        **{f"accuracy_history_{n}": point.val_accuracy for n, point in told.items()},
        "total_params": epoch.total_params,
        "growth_ratio": growth_ratio(epoch.host_params, epoch.fossilized_params),
        **_slots(epoch.slots),
    }


def largest(values: Sequence[float]) -> float | None:
    """The largest one; NaN as soon as one is, None of nothing."""
    return next((value for value in values if math.isnan(value)), max(values, default=None))


def _slots(slots: Sequence[SlotSnapshot]) -> dict[str, float | None]:
    """None of a network of which no slot is told: that is not to have none."""
    taken = [slot for slot in slots if slot.stage not in EMPTY_STAGES]
    alphas = [slot.alpha for slot in taken if slot.alpha is not None]
    gains = [gain for slot in taken if (gain := slot.counterfactual_contribution) is not None]
    return {
        "live_seeds": sum(slot.stage != "FOSSILIZED" for slot in taken) if slots else None,
        "free_slots": len(slots) - len(taken) if slots else None,
        "mean_alpha": sum(alphas) / len(alphas) if alphas else None,
        "best_contribution": largest(gains),
    }


def _finite(best: float) -> float:
    """NaN where every epoch so far was broken."""
    return best if math.isfinite(best) else math.nan
