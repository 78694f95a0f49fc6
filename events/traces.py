"""What the pipeline looked at more closely: changes of fidelity, and the batches and layers around what it noticed."""

from dataclasses import field
from typing import ClassVar

from nissa.events.event import Env
from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.lifecycle import GateCheck
from nissa.events.units import Count, Difference, Fraction, Loss, Norm, Percent, Points, Ratio, Real, StepBytes

__all__ = [
    "DenseTraceCaptured",
    "FidelityChanged",
    "OverheadGoverned",
    "TracedActivations",
    "TracedAlert",
    "TracedBatch",
    "TracedCause",
    "TracedGate",
    "TracedGradients",
    "TracedLayer",
    "TracedUnits",
]


@kind(Importance.LIFECYCLE, derived=True)
class FidelityChanged(Payload):
    """Probes are to look more, or less, closely from here on; or the budget kept them from it, and nothing changed."""

    level: str
    """"normal" or "dense", from now on."""
    before: str
    """The level until now; the same as `level` where the budget allowed no change."""
    reasons: list[str]
    """Alerts that ask for "dense", standing or within their cool-down, each once, the oldest first."""
    clause: str
    """Why: "alert", "resolved", "timeout" (its environment fell silent), "budget" (it is spent), "resumed" (there is
    room in it again), "research", "configured" or "run_ended"."""
    dense_epochs: Count
    """Epochs of all environments that were completed at "dense" so far."""
    epochs: Count
    """Epochs of all environments that were completed so far."""


@kind(Importance.LIFECYCLE, derived=True)
class OverheadGoverned(Payload):
    """Probes are to take more, or fewer, of the looks that are due, so that telemetry costs what it may."""

    overhead: Ratio | None = None
    """What telemetry cost by the training's own CPU, as heartbeats told it: on average since the last such change. None
    where that was not asked for."""
    target: Ratio | None = None
    """The overhead that was asked for."""
    bytes_per_step: StepBytes | None = None
    """What a step cost in bytes of the log, on the same average; None where that was not asked for."""
    bytes_target: StepBytes | None = None
    """The bytes of a step that were asked for."""
    one_in: Count
    """Of so many looks that are due, one is taken from now on; 1 is all of them."""
    before: Count
    """Of so many, one was taken until now."""


@part
class TracedBatch:
    """A batch of the trace, as `batch_completed` told it."""

    epoch: int | None = None
    """Epoch that it belongs to."""
    batch: Count
    """Mini-batch inside the epoch, from 0."""
    loss: Loss
    """Training loss of the batch."""
    accuracy: Percent | None = None
    """Training accuracy of the batch."""
    host_grad_norm: Norm | None = None
    """Norm of the gradient of the host's own parameters, before clipping."""
    seed_grad_norms: dict[str, Norm] = field(default_factory=dict)
    """The same of each slot with a seed; empty without any."""
    isolation_leakage: Norm | None = None
    """Norm of what seeds in isolation sent into the host's gradient; None when not measured."""
    isolation_forward_leakage: Difference | None = None
    """Largest difference that seeds in isolation made to an output of the host; None where not measured."""
    seed_non_finite: dict[str, Count] = field(default_factory=dict)
    """By slot, values put out by an isolated seed that are NaN or infinite, and kept from the host."""

    always_written: ClassVar = ("accuracy", "host_grad_norm")
    """As those of the batch itself."""


@part
class TracedLayer:
    """The gradient of one layer, as far as it was measured."""

    norm: Norm | None = None
    """L2 norm."""
    non_finite: Count
    """Elements that are NaN or infinite."""
    vanishing: Fraction | None = None
    """Share of elements below the threshold in magnitude."""
    histogram: dict[str, Count] | None = None
    """Finite elements by the power of two at or below their magnitude."""


@part
class TracedGradients:
    """One measurement of the gradients."""

    epoch: int | None = None
    """Epoch of the step."""
    batch: Count
    """The step inside the epoch, from 0."""
    after: bool
    """Whether it was made in the batch that raised the first alert, or later."""
    layers: dict[str, TracedLayer]
    """By layer."""


@part
class TracedUnits:
    """What one layer put out."""

    mean: Real
    """Mean over samples, places and units."""
    std: Real
    """Standard deviation over the same."""
    dead: Count | None = None
    """Units that are 0 for the whole batch; None where the layer is no activation function."""
    dormant: Fraction | None = None
    """Share of units that hardly do anything; None where the layer is no activation function."""
    non_finite: Count
    """Values that are NaN or infinite."""


@part
class TracedActivations:
    """One measurement of the activations."""

    epoch: int | None = None
    """Epoch after which it was made."""
    after: bool
    """Whether it was made after the first alert."""
    layers: dict[str, TracedUnits]
    """By layer, in the order in which they ran."""


@part
class TracedGate:
    """A gate that was asked."""

    epoch: int | None = None
    """When."""
    slot: str
    """Slot of the host."""
    gate: str
    """"G0" to "G5"."""
    passed: bool
    """Whether every check passed."""
    checks: list[GateCheck]
    """The conditions, with their numbers."""


@part
class TracedAlert:
    """An alert or a mark that was raised in the window."""

    alert: str
    """What it is about."""
    severity: str
    """"info" for a mark, "warning" or "critical"."""
    subject: str | None = None
    """Metric, slot, layer or head."""
    epoch: int | None = None
    """Epoch in which it was raised."""
    batch: Count | None = None
    """Batch that raised it; None if something else did, such as an epoch's figures or a gate."""
    place: Count
    """Batches of the trace up to it, in the order in which they came, the one that raised it included."""
    value: Real | None = None
    """What was found."""
    baseline: Real | None = None
    """What was usual."""
    threshold: Real | None = None
    """What the value had to pass."""
    clause: str
    """Which rule fired."""
    what: str
    """One line for a person."""


@part
class TracedCause:
    """Something that was done before the first alert, and may be why it was raised; that it is, nobody has shown."""

    cause: str
    """"injection", "cull", "blend", "stage", "germination", "fossilization", "learning_rate", "fidelity" or
    "episode_lost"."""
    subject: str | None = None
    """Slot; fault, of an injection; None where it is about the policy, the probes or the episode."""
    epoch: int | None = None
    """Epoch in which it was done; None where it has none, such as an update of the policy."""
    batches: Count | None = None
    """Batches from it up to the first alert, the one that raised it included; None where it is further back than the
    trace, or where in its epoch it was done is not told."""
    disturbs: bool
    """Whether it changes what the network computes, or how it is trained; what was in isolation, or only looks, does
    not."""
    change: Points | None = None
    """What became of the validation accuracy with it; None where that was not measured."""
    basis: str | None = None
    """How: "cull" (right before and right after it), "ablation" (the seed was switched off, at the end of the epoch
    before), "ablation_change" (of the seed, from the epoch before to this one) or "lifetime" (since the seed
    germinated, whatever made it)."""
    what: str
    """One line for a person, without the figures above."""


@kind(Importance.LIFECYCLE, derived=True)
class DenseTraceCaptured(Payload):
    """What went on around an alert or a mark, the batches before it included.

    It is told when its window is over, and says itself which episode it is about.
    """

    group: str | None = None
    """Group (A/B arm) of the trace."""
    env: Env | None = None
    """Environment of the trace."""
    episode: int | None = None
    """Its episode; a trace never holds two."""
    reasons: list[str]
    """Alerts and marks that opened or extended it, each once, the first first."""
    first_epoch: int | None = None
    """Epoch of its first batch."""
    last_epoch: int | None = None
    """Epoch of its last batch."""
    batches_before: list[TracedBatch]
    """Batches up to what opened it, the one that raised it included, from a ring that is always on."""
    batches_after: list[TracedBatch]
    """Batches after that."""
    gradients: list[TracedGradients]
    """The last two measurements before the first alert, and those after it; none in a trace of marks."""
    norms_before: dict[str, list[Norm]]
    """Of each layer of these, the norms of its gradient in the last 16 measurements before the first alert."""
    activations: list[TracedActivations]
    """As with gradients."""
    gates: list[TracedGate]
    """Gates asked in the window, oldest first."""
    alerts: list[TracedAlert]
    """All alerts and marks raised in the window, the one that opened it first."""
    causes: list[TracedCause] = field(default_factory=list)
    """What was done in the two epochs before the first alert and in its own, before it: what disturbs first, and of
    that the nearest, and of what is as near the largest; none in a trace of marks."""
    closed: str
    """Why it ended: "window" (all its batches came), "episode_ended", "run_ended", "timeout" (its environment fell
    silent) or "crowded" (too many traces were open)."""
    left_out: dict[str, Count]
    """What there was no room for, by "alerts", "gates", "gradients", "activations", "causes" and "layers"; by
    "traces", the alerts and marks anywhere that could open none since the last trace closed, because too many were
    open."""
