"""What is an anomaly, and how long is it one? The limits of both modes."""

from collections.abc import Callable
from dataclasses import dataclass

from nissa.operators.faults import noise_of_a_difference
from nissa.operators.ratio import RatioRule
from nissa.operators.robust import Detector

__all__ = ["MODES", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The limits of one mode."""

    spike: Callable[[], Detector | RatioRule]
    """Makes the rule for one curve of losses."""
    losses: tuple[str, ...]
    """Losses of an epoch that have such a rule too; that of the batches has one in any case."""
    noise: Callable[[float, int], float]
    """Points by which an accuracy, from so many samples, may fall by chance."""
    lasting: bool
    """Whether the alert of an accuracy that fell stands until it is back, and not just until it falls no more."""
    typical: int
    """Gradient norms that must be known before one is compared with their median."""
    points: float = 5.0
    """Points by which an accuracy may fall in any case."""
    explosion: float = 100.0
    """How many times its typical value a gradient norm may be."""
    calm_batches: int = 10
    """Quiet batches after which an alert is over."""
    calm_epochs: int = 2
    """Quiet epochs after which an alert is over."""


MODES = {
    "robust": Rules(Detector, ("val_loss",), noise_of_a_difference, lasting=True, typical=20),
    "ratio": Rules(RatioRule, (), lambda _accuracy, _n_val: 0.0, lasting=False, typical=64),
}
""""ratio" is the rule set of the research document, and nothing else: loss over twice the mean of the last 20, accuracy
down by more than 5 points from one epoch to the next, gradient norm over 100 times the median of the last 64."""
