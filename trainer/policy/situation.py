"""What a policy sees before an epoch, and the vector of it that a network is fed."""

from dataclasses import dataclass

from nissa.trainer.network import SLOT_CHANNELS, STAGES, Slot
from nissa.trainer.training import trend

__all__ = ["LOSS_OF_GUESSING", "OBSERVATION_SIZE", "Situation", "SlotView", "observation"]

_GROWN = STAGES[1:]
OBSERVATION_SIZE = 6 + (len(_GROWN) + 3) * len(SLOT_CHANNELS)
LOSS_OF_GUESSING = 2.303
"""log(10): a loss above it says nothing more."""


@dataclass(frozen=True)
class SlotView:
    """A slot as a policy sees it; `contribution` in percentage points, None where it was not measured.

    Nothing may germinate where it is `closed`.
    """

    name: str
    stage: str
    epochs_in_stage: int
    alpha: float
    contribution: float | None
    stable: bool
    closed: bool = False

    @classmethod
    def of(cls, slot: Slot) -> "SlotView":
        """What there is to see of a slot."""
        contribution = slot.facts.get("counterfactual_contribution")
        return cls(slot.name, slot.stage, slot.epochs_in_stage, slot.alpha, contribution, slot.stable, slot.closed)


@dataclass(frozen=True)
class Situation:
    """The state before an epoch: accuracies in percent, `accuracies` one for each epoch so far, from epoch 0."""

    epochs_left: int
    max_epochs: int
    train_accuracy: float
    accuracies: tuple[float, ...]
    val_loss: float
    growth_ratio: float
    germinated: int
    slots: tuple[SlotView, ...]
    diagnostics: tuple[float, ...] = ()
    """Of `diagnostics`; empty where the policy is not to see them."""


def observation(situation: Situation) -> list[float]:
    """30 numbers of about -1 to 1, and behind them the diagnostics.

    0 share of the epochs done; 1 training and 2 validation accuracy / 100; 3 validation loss / log(10), at most 1, as
    which NaN counts; 4 trend of the accuracy / 10 points; 5 growth ratio - 1; then for each slot, from the input to
    the output: one-hot stage (GERMINATED, TRAINING, BLENDING, HOLDING, FOSSILIZED; DORMANT is all zeros), epochs in
    stage / 10 (at most 1), alpha, contribution / 10 points (0 where it was not measured).
    """
    model = [
        1 - situation.epochs_left / situation.max_epochs,
        situation.train_accuracy / 100,
        situation.accuracies[-1] / 100,
        min(1.0, situation.val_loss / LOSS_OF_GUESSING),
        trend(situation.accuracies) / 10,
        situation.growth_ratio - 1,
    ]
    slots = [number for slot in situation.slots for number in _slot(slot)]
    return [*model, *slots, *situation.diagnostics]


def _slot(slot: SlotView) -> list[float]:
    one_hot = [float(slot.stage == stage) for stage in _GROWN]
    return [*one_hot, min(slot.epochs_in_stage / 10, 1.0), slot.alpha, (slot.contribution or 0.0) / 10]
