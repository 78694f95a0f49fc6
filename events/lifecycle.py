"""The life of a seed: germination, stages, gates, and how it ended.

Stages: DORMANT, GERMINATED, TRAINING, BLENDING, HOLDING, FOSSILIZED, CULLED; where a trainer has them, EMBARGOED and
RESETTING follow CULLED. Logs from before 9 December 2025 have SHADOWING between BLENDING and HOLDING.
"""

from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Count, Flops, Fraction, Percent, Points, Real

__all__ = ["GateCheck", "GateEvaluated", "SeedCulled", "SeedFossilized", "SeedGerminated", "StageChanged"]


@kind(Importance.LIFECYCLE)
class SeedGerminated(Payload):
    """A seed was made from a blueprint and put into a slot."""

    slot: str
    """Slot of the host, such as "early"."""
    seed: str
    """Name of the seed, unique in its run."""
    blueprint: str
    """Blueprint it was made from."""
    params: Count | None = None
    """Trainable parameters of the seed."""
    flops: Flops | None = None
    """Operations that it adds to one forward pass on one sample, if measured."""


@kind(Importance.LIFECYCLE)
class StageChanged(Payload):
    """A seed moved from one stage of its life to the next."""

    slot: str
    """Slot of the host."""
    seed: str | None = None
    """The seed; None for a slot's own stages (RESETTING)."""
    blueprint: str | None = None
    """Its blueprint."""
    from_stage: str
    """Stage it left."""
    to_stage: str
    """Stage it entered."""
    epochs_in_stage: Count | None = None
    """Epochs spent in the stage that it left."""
    alpha: Fraction | None = None
    """Share of the seed in the slot's output."""
    accuracy_delta: Points | None = None
    """Validation accuracy now minus at germination; None before it was first measured."""


@part
class GateCheck:
    """One condition of a gate, with its numbers."""

    name: str
    """What is checked, such as "min_epochs"."""
    value: Real | None = None
    """What was found; None when it could not be measured, which fails the check."""
    relation: str | None = None
    """How value and threshold must relate: ">=" or "<="; None if not told."""
    threshold: Real | None = None
    """What is asked for, in the unit of `value`; None if not told."""
    passed: bool
    """Whether the relation holds."""


@kind(Importance.ROUTINE)
class GateEvaluated(Payload):
    """A gate was asked whether a seed may enter the next stage."""

    slot: str
    """Slot of the host."""
    seed: str
    """The seed."""
    blueprint: str | None = None
    """Its blueprint, if known."""
    gate: str
    """"G0" to "G5"."""
    target_stage: str
    """Stage behind the gate."""
    passed: bool
    """Whether every check passed."""
    checks: list[GateCheck]
    """The conditions in the order they were looked at."""
    reason: str
    """One line for a person: the checks that failed, or that all passed."""


@kind(Importance.LIFECYCLE)
class SeedFossilized(Payload):
    """A seed became a permanent part of the host."""

    slot: str
    """Slot of the host."""
    seed: str
    """The seed."""
    blueprint: str | None = None
    """Its blueprint, if known."""
    improvement: Points | None = None
    """Validation accuracy now minus at germination: progress while it lived, whatever made it."""
    ablation: Points | None = None
    """Validation accuracy with all seeds minus that with this one switched off, at the end of its life; None where only
    `counterfactual_measured` tells it, or nothing does."""
    params_added: Count | None = None
    """Trainable parameters that the model keeps."""
    epochs_total: Count | None = None
    """Epochs since germination."""


@kind(Importance.LIFECYCLE)
class SeedCulled(Payload):
    """A seed was removed."""

    slot: str
    """Slot of the host."""
    seed: str | None = None
    """The seed, if known."""
    blueprint: str | None = None
    """Its blueprint, if known."""
    improvement: Points | None = None
    """Validation accuracy now minus at germination: progress while it lived, whatever made it."""
    ablation: Points | None = None
    """Validation accuracy with all seeds minus that with this one switched off, at the end of its life; None where only
    `counterfactual_measured` tells it, or nothing does."""
    accuracy_before: Percent | None = None
    """Validation accuracy right before it was removed; None if it was not mixed in, or not measured."""
    accuracy_after: Percent | None = None
    """Validation accuracy right after it was removed, nothing trained in between."""
    reason: str | None = None
    """Why, in a few words."""
    initiator: str | None = None
    """Who wanted it: "policy", "heuristic", "gate" or "episode_end"."""
    epochs_total: Count | None = None
    """Epochs since germination."""
