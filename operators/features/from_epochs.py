"""The features that every configuration has, from the epochs of an episode alone."""

import math
from collections.abc import Callable, Sequence
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
    losses: dict[int, float | None] = field(default_factory=dict)
    """Of the validation, by epoch, as far back as `progress` goes; so are accuracies."""
    accuracies: dict[int, float | None] = field(default_factory=dict)
    best_loss: float | None = None
    """None where none was measured, NaN where every one was broken; so is the best accuracy."""
    best_accuracy: float | None = None

    def add(self, number: int | None, epoch: EpochCompleted) -> None:
        """Take an epoch in. What is not finite is never the best."""
        self.progress.add(number, point(epoch), len(HISTORY))
        loss, accuracy = _double(epoch.val_loss), _double(epoch.val_accuracy)
        self.losses[self.progress.epoch], self.accuracies[self.progress.epoch] = loss, accuracy
        for figures in (self.losses, self.accuracies):
            for gone in figures.keys() - self.progress.points.keys():
                del figures[gone]
        self.best_loss, self.best_accuracy = _best(min, self.best_loss, loss), _best(max, self.best_accuracy, accuracy)


def base_features(history: EpisodeHistory, number: int | None, epoch: EpochCompleted) -> dict[str, float | None]:
    """By name, after `history` took the epoch in, which is the `number`-th. None where there is nothing to tell of.

    "Epochs back" are epochs: of one that was not told there is no loss.
    """
    progress = history.progress
    told = {n: at for n in HISTORY if (at := progress.epoch - n + 1) in progress.points}
    losses = {n: history.losses[at] for n, at in told.items()}
    accuracies = {n: history.accuracies[at] for n, at in told.items()}
    return {
        "epoch": number,
        "train_loss": epoch.train_loss,
        "val_loss": epoch.val_loss,
        "loss_delta": _minus(losses[1], losses.get(2)),
        "train_accuracy": epoch.train_accuracy,
        "val_accuracy": epoch.val_accuracy,
        "accuracy_delta": _minus(accuracies[1], accuracies.get(2)),
        "plateau_epochs": progress.plateau_epochs,
        "best_val_accuracy": history.best_accuracy,
        "best_val_loss": history.best_loss,
        "generalization_gap": _minus(epoch.train_accuracy, epoch.val_accuracy),
        **{f"loss_history_{n}": loss for n, loss in losses.items()},
        **{f"accuracy_history_{n}": accuracy for n, accuracy in accuracies.items()},
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
    costs = [cost for slot in taken if (cost := slot.counterfactual_contribution) is not None]
    return {
        "live_seeds": sum(slot.stage != "FOSSILIZED" for slot in taken) if slots else None,
        "free_slots": len(slots) - len(taken) if slots else None,
        "mean_alpha": sum(alphas) / len(alphas) if alphas else None,
        "best_ablation": largest(costs),
    }


def _double(value: float | None) -> float | None:
    return None if value is None else float(value)


def _minus(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _best(better: Callable[[float, float], float], best: float | None, value: float | None) -> float | None:
    """The better of the finite ones; NaN until there is one, None until anything was measured."""
    if value is None or not math.isfinite(value):
        return math.nan if best is None and value is not None else best
    return value if best is None or math.isnan(best) else better(best, value)
