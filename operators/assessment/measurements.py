"""What was measured of a network in this epoch, and what of it is broken."""

from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any

from nissa.events.kinds import (
    ActivationsMeasured,
    ClassesMeasured,
    EpochCompleted,
    GradientsMeasured,
    Payload,
    ProbesConfigured,
    SharpnessMeasured,
    WeightsMeasured,
)
from nissa.operators.assessment.finite_numbers import all_finite, finite
from nissa.operators.assessment.layer_health import (
    EXPLODING,
    VANISHING,
    Complaints,
    activation_complaint,
    gradient_complaint,
    health,
    judged,
    worse,
)

__all__ = ["MEASUREMENTS", "EpochMeasurements", "Measurement"]

Measurement = GradientsMeasured | ActivationsMeasured | WeightsMeasured | ClassesMeasured | SharpnessMeasured
MEASUREMENTS = (GradientsMeasured, ActivationsMeasured, WeightsMeasured, ClassesMeasured, SharpnessMeasured)
"""The measurements that are looked at."""

_GRADIENTS = ("host_norm", "slot_norms", "seed_to_host", "host_grad_norm", "seed_grad_norms")
"""Figures of gradients, which are not finite in a step that a scaler leaves out."""


@dataclass(slots=True)
class EpochMeasurements:
    """What is known of one epoch. What was not measured in it is empty or None, whatever was known before."""

    gradients: Complaints = field(default_factory=dict)
    """What is wrong with the gradient of each layer, over all measurements in the epoch."""
    activations: Complaints = field(default_factory=dict)
    """What is wrong with what each layer puts out."""
    weights: Complaints = field(default_factory=dict)
    """Layers whose weights are not finite."""
    classes: ClassesMeasured | None = None
    """Each class on the validation set."""
    sharpness: SharpnessMeasured | None = None
    """The loss around the weights."""
    broken: list[str] = field(default_factory=list)
    """Quantities, besides those of single layers, that are NaN or infinite."""
    overflown: dict[str, None] = field(default_factory=dict)
    """Layers whose gradient was not finite in some step of the epoch."""
    lasted: bool = False
    """Whether that went on for too long for a scaler that looks for its scale."""
    is_whole: bool = False
    """Whether what was looked at last of gradients and weights was finite: no step broke a weight until then."""

    def take(self, payload: Measurement, probes: ProbesConfigured | None) -> None:
        """Take a measurement in, judged by the thresholds that were configured."""
        match payload:
            case GradientsMeasured():
                self._gradients(payload, probes)
            case ActivationsMeasured(layers=layers):
                self.activations = {name: activation_complaint(layer) for name, layer in layers.items()}
            case WeightsMeasured(layers=layers):
                self.weights = {name: "non_finite" for name, layer in layers.items() if not finite(layer)}
                self.is_whole = not self.weights
            case ClassesMeasured():
                self.classes = payload
                self._note(payload, besides=("confusion",))
            case SharpnessMeasured():
                self.sharpness = payload
                self._note(payload)

    def close(self, epoch: EpochCompleted, before: Complaints) -> None:
        """Take in what the trainer says of the epoch, and what was wrong when gradients were measured before.

        A seed begins as nothing at all, so there is no gradient below its last layer at first: once is no complaint.
        Nor is a gradient that was not finite where what came after it shows that no weight broke.
        """
        self._note(epoch)
        others = [name for name in self.broken if name not in _GRADIENTS]
        odd = others or "non_finite" in (*self.weights.values(), *self.activations.values())
        if self.lasted or odd or not (self.is_whole or epoch.val_loss is not None):
            self.gradients = {**self.gradients, **dict.fromkeys(self.overflown, "non_finite")}
        else:
            self.broken = others
        first = {name for name, wrong in self.gradients.items() if wrong == "dead" != before.get(name)}
        self.gradients = {name: None if name in first else wrong for name, wrong in self.gradients.items()}

    @property
    def sources(self) -> tuple[Complaints, ...]:
        """All complaints by layer."""
        return self.gradients, self.activations, self.weights

    @property
    def health(self) -> float | None:
        """Share of the layers with measured gradients or activations with which nothing is wrong."""
        return health(self.sources, broken=bool(self.broken))

    def _gradients(self, row: GradientsMeasured, probes: ProbesConfigured | None) -> None:
        low, high = (probes.vanishing_threshold, probes.exploding_threshold) if probes else (VANISHING, EXPLODING)
        # What one step of an epoch may do to all that follow, and the last measurement need not show.
        lasting = {name: wrong for name, wrong in self.gradients.items() if wrong == "exploding"}
        found = {name: gradient_complaint(layer, low, high) for name, layer in row.layers.items()}
        overflown = dict.fromkeys([name for name, wrong in found.items() if wrong == "non_finite"])
        self.is_whole = not overflown and all_finite((row.host_norm, row.slot_norms, row.seed_to_host))
        self.overflown |= overflown
        now = {
            name: wrong
            for name, wrong in found.items()
            if wrong != "non_finite" and (wrong is not None or judged(row.layers[name]))
        }
        self.gradients = now | {name: worse(wrong, now.get(name)) for name, wrong in lasting.items()}
        if not self.is_whole:
            self._note(row, besides=("layers",))

    def _note(self, payload: Payload, besides: tuple[str, ...] = ()) -> None:
        if finite(payload):
            return
        cls: Any = type(payload)
        broken = [name for name in _names(cls, besides) if not finite(getattr(payload, name))]
        self.broken += [name for name in broken if name not in self.broken]


@cache
def _names(cls: type[Any], besides: tuple[str, ...]) -> list[str]:
    return [f.name for f in fields(cls) if f.name not in besides]
