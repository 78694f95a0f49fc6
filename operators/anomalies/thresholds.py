"""The limits of both modes: what an anomaly is, and how long it is one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nissa.operators.statistics import Detector, RatioRule, accuracy_noise

__all__ = ["MODES", "Rules", "configured"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of one mode."""

    mode: str
    """"robust" or "ratio"."""
    losses: tuple[str, ...]
    """Losses of an epoch that have such a rule too; that of the batches has one in any case."""
    lasting: bool
    """Whether the alert of an accuracy that fell stands until it is back, and not just until it falls no more."""
    typical: int
    """Gradient norms that must be known before one is compared with their median."""
    spiking: float = 2.0
    """The sensitivity to losses, above 1: `threshold` of `Detector`, or how many times the mean of the last 20 one may
    be."""
    points: float = 5.0
    """Points by which an accuracy may fall in any case."""
    explosion: float = 100.0
    """How many times its typical value a gradient norm may be."""
    dormant: float = 0.5
    """Share of a layer's units that may be dormant."""
    dormant_measurements: int = 3
    """Measurements in a row with more of them before it is an alert: a layer may rest for one."""
    scalars: tuple[str, ...] = ()
    """Scalars, by name, that are judged as the loss of the batches is."""
    calm_batches: int = 10
    """Quiet batches after which an alert is over."""
    calm_epochs: int = 2
    """Quiet epochs after which an alert is over."""

    def spike(self) -> Detector | RatioRule:
        """The rule for one curve of losses."""
        return Detector(self.spiking) if self.mode == "robust" else RatioRule(self.spiking)

    def noise(self, accuracy: float, before: int, after: int) -> float:
        """Points by which an accuracy may fall by chance, from so many samples before and after."""
        return accuracy_noise(accuracy, before, after) if self.mode == "robust" else 0.0


MODES = {
    "robust": Rules("robust", ("val_loss",), lasting=True, typical=20),
    "ratio": Rules("ratio", (), lasting=False, typical=64),
}
""""ratio" is the rule set of the research document, and nothing else: loss over twice the mean of the last 20, accuracy
down by more than 5 points from one epoch to the next, gradient norm over 100 times the median of the last 64."""

_LIMITS = {
    "loss_spike_threshold": "spiking",
    "accuracy_drop_threshold": "points",
    "gradient_explosion": "explosion",
    "dormant_share": "dormant",
    "dormant_measurements": "dormant_measurements",
}
"""Keys of the configuration's section `alerts` that are limits here, and the limit that each is."""
_LEAST = {"loss_spike_threshold": 1}
"""What such a limit must be above; the others must be above 0."""


def configured(rules: Rules, alerts: object) -> Rules:
    """The rules of a run whose configuration has this section `alerts`; what it does not say is as in `rules`.

    What a log of another's says may be no section, no mode and no number.
    """
    section: Mapping[Any, Any] = alerts if isinstance(alerts, Mapping) else {}
    mode = section.get("mode")
    base = MODES.get(mode, rules) if isinstance(mode, str) else rules
    limits = {limit: section[key] for key, limit in _LIMITS.items() if _number(section.get(key), _LEAST.get(key, 0))}
    return replace(base, **limits, scalars=_names(section.get("scalars")))


def _number(value: object, least: float) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and value > least


def _names(value: object) -> tuple[str, ...]:
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()
