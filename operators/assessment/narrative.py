"""How a network goes, in one line of plain words; what was not measured is not mentioned."""

from math import isfinite, isnan

from nissa.operators.assessment.evidence import GAP, EpochEvidence
from nissa.operators.assessment.layer_health import Complaints, by_complaint
from nissa.operators.assessment.plateau import LOSS_STEP
from nissa.operators.assessment.red_flags import opportunities

__all__ = ["PLATEAU", "sentences"]

PLATEAU = 3
"""Epochs without a lower loss that are called a plateau whatever came before: a convention."""

_GRADIENTS = {
    "non_finite": "Gradients not finite in",
    "exploding": "Gradients exploding in",
    "vanishing": "Gradients vanishing in",
    "dead": "No gradient in",
}
_ACTIVATIONS = {"non_finite": "Activations not finite in", "dead": "Dead units in"}
_WEIGHTS = {"non_finite": "Weights not finite in"}


def sentences(evidence: EpochEvidence) -> str:
    """The loss first, then what is wrong or right with the layers, then what the means hide."""
    found = evidence.measured
    parts = [_loss(evidence)]
    parts += [f"Not finite: {', '.join(found.broken)}"] if found.broken else []
    parts += ["Gradient health good"] if "healthy_gradients" in opportunities(evidence) else []
    parts += [*_layers(_GRADIENTS, found.gradients), *_layers(_ACTIVATIONS, found.activations)]
    parts += _layers(_WEIGHTS, found.weights)
    parts += [f"Train/validation gap {evidence.gap:.1f} points"] if evidence.gap > GAP else []
    parts += [_imbalance(evidence, *evidence.apart)] if evidence.apart else []
    return " ".join(" | ".join(parts).split())


def _loss(evidence: EpochEvidence) -> str:
    progress, now = evidence.progress, evidence.progress.now.val_loss
    if not isfinite(now):
        return f"Loss is {'NaN' if isnan(now) else 'infinite'}"
    if len(progress.points) == 1:
        return f"Loss {now:.3g}"
    if evidence.loss_rises:
        return f"Loss worsening ({progress.lowest_loss.val_loss:.3g} -> {now:.3g})"
    before, stalled = progress.points[0].val_loss, progress.stalled_epochs
    if stalled == 0 or (stalled < PLATEAU and before - now > LOSS_STEP * abs(before)):
        return f"Loss improving ({before:.3g} -> {now:.3g})"
    return f"Loss plateaued for {stalled} epoch{'s' * (stalled > 1)}"


def _layers(words: dict[str, str], layers: Complaints) -> list[str]:
    """Each complaint with the first layer that has it, and how many more there are."""
    found = by_complaint([layers])
    more = {wrong: f" (+{len(names) - 1})" * (len(names) > 1) for wrong, names in found.items()}
    return [f"{words[wrong]} {names[0]}{more[wrong]}" for wrong, names in found.items()]


def _imbalance(evidence: EpochEvidence, worst: str, best: str) -> str:
    rows = evidence.measured.classes.classes if evidence.measured.classes else {}
    return f"Class imbalance: {worst}={rows[worst].accuracy:.0f}% vs {best}={rows[best].accuracy:.0f}%"
