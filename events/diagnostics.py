"""What the probes read from the network itself: gradients, weights, classes, and how sharp the minimum is."""

from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.measures import Count, Fraction, Loss, Nats, Norm, Percent, Ratio, Real

__all__ = [
    "ClassFigures",
    "ClassesMeasured",
    "GradientsMeasured",
    "LayerGradients",
    "LayerWeights",
    "SharpnessMeasured",
    "WeightsMeasured",
]


@part
class LayerGradients:
    """The gradient of one layer. Percentiles and fractions come from a sketch with bins 1/8 of an octave wide."""

    elements: Count
    """Elements of the gradient."""
    norm: Norm
    """L2 norm."""
    mean: Real
    """Mean of the elements."""
    std: Real | None = None
    """Standard deviation of the elements (n - 1); None for a single element."""
    p1: Real
    """1st percentile of the finite elements, with their signs; NaN if none is finite."""
    p25: Real
    """25th percentile."""
    p50: Real
    """Median."""
    p75: Real
    """75th percentile."""
    p99: Real
    """99th percentile."""
    zero: Fraction
    """Share of elements that are 0 (or below 2^-129 in magnitude)."""
    vanishing: Fraction
    """Share of elements below 1e-7 in magnitude, zeros included."""
    exploding: Fraction
    """Share of elements that are finite and above 1e3 in magnitude."""
    non_finite: Count
    """Elements that are NaN or infinite: an exact number."""


@kind(Importance.ROUTINE)
class GradientsMeasured(Payload):
    """The gradients of one training step, after its last backward pass and before clipping."""

    layers: dict[str, LayerGradients]
    """By layer; what is frozen or has no gradient is absent, and a shared parameter counts where it is met first."""
    host_norm: Norm | None = None
    """Norm over the host's own layers; None if none has a gradient."""
    slot_norms: dict[str, Norm]
    """The same of each slot with a gradient."""
    seed_to_host: dict[str, Ratio]
    """By slot, its norm / the host's; absent where the host's is 0 or was not measured."""


@part
class LayerWeights:
    """The weights of one layer."""

    norm: Norm
    """L2 norm now."""
    update_ratio: Ratio | None = None
    """L2 norm of the change over the epoch / norm before it; None for a layer that was new, or 0, before."""


@kind(Importance.ROUTINE)
class WeightsMeasured(Payload):
    """The trainable weights after an epoch, and how far they moved in it."""

    layers: dict[str, LayerWeights]
    """By layer."""


@part
class ClassFigures:
    """How one class fares."""

    n: Count
    """Samples of the class."""
    accuracy: Percent | None = None
    """Share that is recognized; None without a sample."""
    loss: Loss | None = None
    """Mean loss of its samples; None without a sample."""


@kind(Importance.ROUTINE)
class ClassesMeasured(Payload):
    """How each class fares on the validation set."""

    classes: dict[str, ClassFigures]
    """By class."""
    confusion: list[list[Count]]
    """Samples by true class (row) and predicted class (column), both in the order of `classes`."""


@kind(Importance.ROUTINE)
class SharpnessMeasured(Payload):
    """How fast the loss rises around the weights: random directions, and the steepest one."""

    sharpness: Nats
    """Mean over antithetic pairs of (L(w + e) + L(w - e)) / 2 - L(w), which estimates E[e'He] / 2."""
    spread: Loss | None = None
    """Standard deviation of the pairs (n - 1); None with one pair."""
    sam: Nats | None = None
    """L(w + r g / |g|) - L(w) with r = scale |w|; None where no gradient was given."""
    loss: Loss
    """L(w), the loss without a perturbation."""
    samples: Count
    """Perturbations that were tried, two a pair."""
    scale: Ratio
    """Standard deviation of a perturbation, relative to the root mean square of its tensor."""
