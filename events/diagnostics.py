"""What the probes read from the network itself: gradients, weights, activations, classes, sharpness, and memory."""

from typing import Any

from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import Bytes, Count, Dimensions, Fraction, Loss, Magnitude, Nats, Norm, Percent, Ratio, Real

__all__ = [
    "ActivationsMeasured",
    "ClassFigures",
    "ClassesMeasured",
    "FidelityFollowed",
    "GradientsMeasured",
    "LayerActivations",
    "LayerGradients",
    "LayerGroup",
    "LayerSample",
    "LayerWeights",
    "MemoryMeasured",
    "ProbesConfigured",
    "SharpnessMeasured",
    "Spread",
    "WeightsMeasured",
]


@kind(Importance.LIFECYCLE)
class ProbesConfigured(Payload):
    """What will be measured of a network, said before anything is: the configuration, and the features it gives."""

    profile: str
    """Profile that the configuration began from."""
    config: dict[str, Any]
    """The whole configuration, defaults included."""
    history_length: Count
    """Epochs that the figures of the narrative go back by; how a network learns is judged alike whatever it is."""
    vanishing_threshold: Magnitude
    """Gradient elements below it in magnitude are vanishing."""
    exploding_threshold: Magnitude
    """Gradient elements above it in magnitude are exploding."""
    layers: list[str]
    """Layers of the host, or groups of them, whose gradients are measured; those of seeds come and go."""
    slots: list[str]
    """Slots of the host."""
    classes: list[str]
    """Classes by name, in the order of their numbers; empty if not known."""
    features: dict[str, list[str]]
    """Names of the features by group, in the order of the vector."""


@kind(Importance.LIFECYCLE)
class FidelityFollowed(Payload):
    """From here on the probes of a network look more closely, or less, or take more or fewer of the looks that are due.

    It is decided (`fidelity_changed`, `overhead_governed`) while the training goes on. So where it takes effect depends
    on time, and only this says it. Until the first one of a network, `probes_configured` says how closely.
    """

    level: str
    """"normal" or "dense"."""
    look: str
    """The look that is the first of that kind: "step", "counterfactual" or "epoch"."""
    batch: Count | None = None
    """Mini-batch inside the epoch, from 0; None after its last."""
    one_in: Count = 1
    """Of so many looks that are due, the probes take one; what is set by hand is always looked at."""


@part
class Spread:
    """How a figure differs over the layers of a group. One that is not finite is the largest, and in no quartile."""

    least: Real
    """The least."""
    lower: Real
    """The lower quartile; NaN where no layer has a finite one."""
    median: Real
    """The median."""
    upper: Real
    """The upper quartile."""
    largest: Real
    """The largest."""
    least_layer: str
    """The layer with the least, the first of them in the network's order."""
    largest_layer: str
    """The layer with the largest."""


@part
class LayerGroup:
    """The layers that are told as one: the figures beside it are of all their elements together."""

    layers: Count
    """How many there are."""
    spread: dict[str, Spread]
    """How they differ, by figure: the name of a field beside it, or of a percentile where each layer has its own. A
    share that is vanishing is here one of what is not 0."""


@part
class LayerSample:
    """The sample that figures of a layer rest on in place of all elements, and their standard errors.

    What is broken or above the exploding threshold is looked for in all elements. A layer that has any is no sample,
    nor is one of which a sample would say too little: fewer than 30 elements of the largest size to its norm.
    """

    seen: Count
    """Elements that sums and shares rest on. A share p has the standard error sqrt(p (1 - p) / seen) at most."""
    norm_se: Norm | None = None
    """Standard error of the norm, whose square is unbiased; None if there is no norm."""
    mean_se: Magnitude
    """Standard error of the mean."""
    percentiles_se: dict[str, Magnitude]
    """Standard errors of the percentiles, by name (Woodruff 1952); empty if they are of all elements."""


@part
class LayerGradients:
    """The gradient of one layer, or of a group. What is None or empty was not asked for.

    Percentiles and histogram come from a sketch with bins 1/8 of an octave wide, which looks at no more than 65,536
    elements of each tensor. All else is of all elements; zero, vanishing, exploding and broken ones are exact counts.
    """

    elements: Count
    """Elements of the gradient."""
    norm: Norm | None = None
    """L2 norm."""
    mean: Real
    """Mean of the elements."""
    std: Real | None = None
    """Standard deviation of the elements (n - 1); None for a single element, and where it is less than 3% of the mean,
    which sums in float32 do not resolve."""
    percentiles: dict[str, Real]
    """Percentiles of the finite elements, with their signs, by name ("p1", "p50"); NaN if none is finite."""
    zero: Fraction | None = None
    """Share of elements that are 0."""
    vanishing: Fraction | None = None
    """Share of elements below the threshold in magnitude, zeros included."""
    exploding: Fraction | None = None
    """Share of elements that are finite and above the threshold in magnitude: exact, 0 only if there is none."""
    non_finite: Count
    """Values that are NaN or infinite."""
    histogram: dict[str, Count] | None = None
    """Finite elements by the power of two at or below their magnitude ("-12": from 2^-12 to 2^-11), without zeros."""
    sample: LayerSample | None = None
    """What the figures rest on, and their errors; None where all elements were looked at."""
    group: LayerGroup | None = None
    """The layers, of a group."""


@kind(Importance.ROUTINE)
class GradientsMeasured(Payload):
    """The gradients of one training step, after its last backward pass and before clipping."""

    batch: Count
    """Mini-batch inside the epoch, from 0."""
    layers: dict[str, LayerGradients]
    """By layer or group; what is frozen or has no gradient is absent, a shared one counts where it is met first."""
    host_norm: Norm | None = None
    """Norm over the host's own layers; None if none has a gradient."""
    slot_norms: dict[str, Norm]
    """Norm of the gradient of each slot with one."""
    seed_to_host: dict[str, Ratio]
    """By slot, its norm / the host's; absent where the host's is 0 or was not measured."""
    norm_share: Norm | None = None
    """What this rank adds to the norm of the host's whole gradient, where parameters are sharded over ranks (DTensor,
    FSDP): squares of all ranks add up to its square. None where this process holds all of them."""
    norms_se: dict[str, Norm] | None = None
    """Standard errors of the norms of the host and the slots, by part; None where none rests on a sample."""


@part
class LayerWeights:
    """The weights of one layer, or of a group."""

    norm: Norm
    """L2 norm."""
    update_ratio: Ratio | None = None
    """L2 norm of the change over the epoch / norm before it; None for a layer that was new, or 0, before, and where a
    sample would have a standard error above 10%."""
    update_ratio_se: Ratio | None = None
    """Standard error of it; None where it rests on all elements."""
    group: LayerGroup | None = None
    """The layers, of a group."""


@kind(Importance.ROUTINE)
class WeightsMeasured(Payload):
    """The trainable weights after an epoch, and how far they moved in it."""

    layers: dict[str, LayerWeights]
    """By layer or group."""


@part
class LayerActivations:
    """What one layer puts out for a batch, or a group: of that, each layer counts by its units."""

    units: Count
    """Channels of a convolution, features of anything else."""
    mean: Real
    """Mean over samples, places and units."""
    std: Real
    """Standard deviation over the same (n - 1)."""
    zero: Fraction
    """Share of values that are 0."""
    dead: Count | None = None
    """Units that are 0 for all samples; None where the layer is no activation function."""
    dormant: Fraction | None = None
    """Share of units whose mean magnitude is at most a threshold times that of all units (Sokar et al. 2023), the dead
    among them; None where the layer is no activation function."""
    effective_rank: Dimensions | None = None
    """exp of the entropy of the normalized singular values, samples by units (Roy and Vetterli 2007); None if all
    are 0 or any is broken. Of a group the median."""
    non_finite: Count
    """Values that are NaN or infinite."""
    group: LayerGroup | None = None
    """The layers, of a group."""


@kind(Importance.ROUTINE)
class ActivationsMeasured(Payload):
    """What the layers put out for one batch, in eval mode."""

    samples: Count
    """Samples of the batch that were looked at, 256 at most."""
    layers: dict[str, LayerActivations]
    """By layer, in the order in which they ran."""


@part
class ClassFigures:
    """How one class fares."""

    n: Count
    """Samples of the class."""
    accuracy: Percent | None = None
    """Share that is recognized; None without a sample, or if it was not asked for. NaN if the logits of any sample of
    the class are broken."""
    loss: Loss | None = None
    """Mean loss of its samples; None without a sample, or if it was not asked for."""


@kind(Importance.ROUTINE)
class ClassesMeasured(Payload):
    """How each class fares on the validation set."""

    classes: dict[str, ClassFigures]
    """By class."""
    confusion: list[list[Count]] | None = None
    """Samples by true class (row) and predicted class (column), in the order of `classes`, without those whose logits
    are broken; None if not asked for, and for more than 1,000 classes."""


@kind(Importance.ROUTINE)
class SharpnessMeasured(Payload):
    """How fast the loss rises around the weights: random directions, and the steepest one."""

    sharpness: Nats | None = None
    """Mean over antithetic pairs of (L(w + e) + L(w - e)) / 2 - L(w), to estimate E[e'He] / 2; None without pairs."""
    sharpness_se: Nats | None = None
    """Standard error of `sharpness` from the directions that were drawn, spread / sqrt(pairs); None with less than
    two pairs."""
    spread: Loss | None = None
    """Standard deviation of the pairs (n - 1); None with less than two."""
    sam: Nats | None = None
    """L(w + r g / |g|) - L(w) with r = scale |w|; None where no gradient could be had."""
    loss: Loss
    """L(w), the loss without a perturbation."""
    samples: Count
    """Perturbations that were tried, two a pair."""
    scale: Ratio
    """Standard deviation of a perturbation, relative to the root mean square of its tensor."""


@kind(Importance.BULK)
class MemoryMeasured(Payload):
    """Memory of the process, and of its GPU's allocator."""

    resident: Bytes
    """Resident memory of the process."""
    resident_peak: Bytes
    """The most that it ever was."""
    allocated: Bytes | None = None
    """Held by tensors on the GPU; None without one."""
    allocated_peak: Bytes | None = None
    """The most that it was since the process began, or since the trainer had torch start its peak anew."""
    reserved: Bytes | None = None
    """Taken from the GPU by torch's allocator."""
