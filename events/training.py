"""The host's training: batches, epochs with every slot's state, the factorial of seeds, and where time goes."""

from dataclasses import field
from typing import ClassVar

from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Count, Difference, Fraction, Loss, Norm, Percent, Points, Seconds

__all__ = [
    "BatchCompleted",
    "CounterfactualMeasured",
    "CounterfactualResult",
    "EpochCompleted",
    "PhaseTimed",
    "SlotSnapshot",
    "ThroughputMeasured",
]


@kind(Importance.BULK)
class BatchCompleted(Payload):
    """One training step of the host and its seeds."""

    batch: Count
    """Mini-batch inside the epoch, from 0."""
    loss: Loss
    """Training loss of the batch."""
    accuracy: Percent | None = None
    """Training accuracy of the batch."""
    host_grad_norm: Norm | None = None
    """Norm of the gradient of the host's own parameters, before clipping."""
    seed_grad_norms: dict[str, Norm] = field(default_factory=dict)
    """Norm of the gradient of each slot with a seed; empty without any."""
    isolation_leakage: Norm | None = None
    """Norm of what seeds in isolation sent into the host's gradient; None when no seed is isolated or not measured."""
    isolation_forward_leakage: Difference | None = None
    """Largest difference that seeds in isolation made to an output of the host; None where not measured."""
    seed_non_finite: dict[str, Count] = field(default_factory=dict)
    """By slot, values put out by an isolated seed that are NaN or infinite, and kept from the host."""

    always_written: ClassVar = ("accuracy", "host_grad_norm")
    """Also where they are None: most lines of a log are batches, and are written in one go."""


@part
class SlotSnapshot:
    """A slot at the end of an epoch."""

    slot: str
    """Slot of the host."""
    stage: str
    """Stage of its seed; DORMANT for an empty slot."""
    epochs_in_stage: Count | None = None
    """Epochs in this stage so far."""
    seed: str | None = None
    """Its seed."""
    blueprint: str | None = None
    """The seed's blueprint."""
    seed_params: Count | None = None
    """Trainable parameters of the seed, 0 for an empty slot; None if not known."""
    alpha: Fraction | None = None
    """Share of the seed in the slot's output."""
    counterfactual_contribution: Points | None = None
    """The ablation, as the documents call it: validation accuracy with all seeds minus that with this one off."""
    total_improvement: Points | None = None
    """Validation accuracy now minus at germination."""
    improvement_this_epoch: Points | None = None
    """Validation accuracy now minus after the last epoch."""
    last_gate: str | None = None
    """Gate attempted last."""
    last_gate_passed: bool | None = None
    """Whether it passed."""
    last_gate_reason: str | None = None
    """Why, in one line."""


@kind(Importance.ROUTINE)
class EpochCompleted(Payload):
    """The host and its slots after an epoch. Seeds are those present when the epoch was validated."""

    train_loss: Loss | None = None
    """Mean training loss of the epoch."""
    train_accuracy: Percent | None = None
    """Training accuracy of the epoch."""
    val_loss: Loss | None = None
    """Validation loss after the epoch."""
    val_accuracy: Percent | None = None
    """Validation accuracy after the epoch."""
    n_val: Count | None = None
    """Samples in the validation set; None if not told."""
    host_params: Count | None = None
    """Trainable parameters of the host, without seeds; None if not told."""
    total_seed_params: Count | None = None
    """Trainable parameters of all seeds present, whatever their stage; None when the size of one is not known."""
    total_params: Count | None = None
    """host_params + total_seed_params."""
    fossilized_params: Count | None = None
    """Trainable parameters of the fossilized seeds; None when the size of one is not known."""
    host_grad_norm: Norm | None = None
    """Mean over the epoch's batches of the host's gradient norm."""
    seed_grad_norms: dict[str, Norm] = field(default_factory=dict)
    """Mean over the epoch's batches of the gradient norm of each slot with a seed; empty without any."""
    isolation_leakage: Norm | None = None
    """Largest of the epoch's batches; None when no seed was isolated."""
    isolation_forward_leakage: Difference | None = None
    """Largest of the epoch's batches; None when no seed was isolated, or not measured."""
    seed_non_finite: dict[str, Count] = field(default_factory=dict)
    """By slot, values of the epoch that an isolated seed put out as NaN or infinite, all kept from the host."""
    slots: list[SlotSnapshot] = field(default_factory=list)
    """Every slot, from the input to the output; empty for a network that does not grow."""


@part
class CounterfactualResult:
    """The model with some of its seeds switched off, on the validation set."""

    config: list[bool]
    """Which of `slots` are switched on."""
    alpha_settings: dict[str, Fraction]
    """Share of each slot's seed in this configuration; absent where it is not told."""
    val_loss: Loss | None = None
    """Validation loss."""
    val_accuracy: Percent | None = None
    """Validation accuracy."""
    per_class_accuracy: dict[str, Percent] | None = None
    """By class, where it was asked for."""


@kind(Importance.ROUTINE)
class CounterfactualMeasured(Payload):
    """An ablation of the trained model: what it does with some seeds switched off. What was not measured is absent."""

    strategy: str | None = None
    """Which configurations were asked for; None if not told."""
    planned: Count | None = None
    """How many different configurations were asked for; None if not told."""
    slots: list[str]
    """Slots with a seed that takes part in the output, from the input to the output."""
    orders: list[list[Count]] = field(default_factory=list)
    """Orders in which seeds are switched on, as places in `slots`, if that is the strategy: drawn in pairs, the second
    one the first backwards."""
    n_val: Count | None = None
    """Samples in the validation set; None if not told."""
    results: list[CounterfactualResult]
    """The configurations that were measured."""
    disagreements: list[list[Count]] | None = None
    """For each result, with each result before it: validation samples that one of the two gets right and the other
    wrong; None if not told."""


@kind(Importance.BULK)
class PhaseTimed(Payload):
    """Where the time of an epoch went."""

    durations: dict[str, Seconds]
    """Wall-clock seconds by phase, such as "train", "validate", "decide"."""


@kind(Importance.BULK)
class ThroughputMeasured(Payload):
    """How fast the training went since this was told before: from one step to the next, within epochs."""

    steps: Count
    """Training steps."""
    seconds: Seconds
    """Wall-clock time that these steps took, waiting for data included."""
    samples: Count | None = None
    """Samples that were loaded for them; None where nobody saw the loading."""
    loading: Seconds | None = None
    """Wall-clock time of that in which the trainer waited for data; None where nobody saw it."""
