"""How a network goes, in one line of plain words; what was not measured is not mentioned."""

from math import isfinite, isnan, nan
from statistics import fmean

from nissa.operators.assessment.evidence import EpochEvidence
from nissa.operators.assessment.layer_health import Complaints, by_complaint
from nissa.operators.assessment.red_flags import opportunities
from nissa.operators.statistics import FALL, RISE, Course

__all__ = ["sentences"]

_FIGURES = {
    "val_loss": ("Loss", "{:.3g}"),
    "val_accuracy": ("Accuracy", "{:.1f}%"),
    "train_loss": ("Training loss", "{:.3g}"),
}
_GRADIENTS = {
    "non_finite": "Gradients not finite in",
    "exploding": "Gradients exploding in",
    "vanishing": "Gradients vanishing in",
    "dead": "No gradient in",
}
_ACTIVATIONS = {"non_finite": "Activations not finite in", "dead": "Dead units in"}
_WEIGHTS = {"non_finite": "Weights not finite in"}


def sentences(evidence: EpochEvidence) -> str:
    """How it learns first, then what is wrong or right with the layers, then what the means hide."""
    found = evidence.measured
    parts = [_learning(evidence)]
    parts += [f"Not finite: {', '.join(found.broken)}"] if found.broken else []
    parts += ["Gradient health good"] if "healthy_gradients" in opportunities(evidence) else []
    parts += [*_layers(_GRADIENTS, found.gradients), *_layers(_ACTIVATIONS, found.activations)]
    parts += _layers(_WEIGHTS, found.weights)
    parts += [f"Train/validation gap {evidence.gap:.1f} points"] if evidence.wide_gap else []
    parts += [_imbalance(evidence, *evidence.apart)] if evidence.apart else []
    return " ".join(" | ".join(parts).split())


def _learning(evidence: EpochEvidence) -> str:
    """What `evidence.learning` says, and the figure that says so."""
    loss = evidence.epoch.val_loss
    if loss is not None and not isfinite(loss):
        return f"Loss is {'NaN' if isnan(loss) else 'infinite'}"
    if evidence.learning == "plateau":
        return _plateau(evidence)
    return _move(evidence) if evidence.learning in ("improving", "worsening") else _now(evidence)


def _now(evidence: EpochEvidence) -> str:
    """The first figure that was measured."""
    now = ((figure, float(getattr(evidence.progress.now, figure))) for figure in _FIGURES)
    told = (f"{_FIGURES[figure][0]} {_FIGURES[figure][1].format(value)}" for figure, value in now if isfinite(value))
    return next(told, "Neither loss nor accuracy told")


def _plateau(evidence: EpochEvidence) -> str:
    progress, curves = evidence.progress, evidence.curves
    epochs = progress.epoch - max(curves.accuracy.course.origin, curves.loss.origin)
    now = progress.now
    told = [f"loss {now.val_loss:.3g}"] if isfinite(now.val_loss) else []
    told += [f"accuracy {now.val_accuracy:.1f}%"] if isfinite(now.val_accuracy) else []
    return f"Plateau for {epochs} epochs" + (f" ({', '.join(told)})" if told else "")


def _move(evidence: EpochEvidence) -> str:
    """The loss, if it goes that way; else the accuracy, or what broke out at once."""
    better, curves = evidence.learning == "improving", evidence.curves
    if curves.loss.direction == (FALL if better else RISE):
        return _means(evidence, "val_loss", curves.loss)
    if curves.accuracy.course.direction == (RISE if better else FALL):
        return _means(evidence, "val_accuracy", curves.accuracy.course)
    if evidence.collapsed:
        return _figures(evidence, "val_accuracy", evidence.best.val_accuracy)
    return _figures(evidence, "train_loss", evidence.lowest_training)


def _before(evidence: EpochEvidence, figure: str, course: Course) -> float:
    """The rolling mean when it began to go this way, or where the history begins."""
    first = max(course.origin, evidence.progress.epoch - evidence.history_length)
    told = [(at, float(getattr(one, figure))) for at, one in evidence.progress.points.items()]
    known = [(at, value) for at, value in told if isfinite(value)]
    last = next((at for at, _ in known if at >= first), None)
    return nan if last is None else fmean(value for at, value in known if last - course.window < at <= last)


def _means(evidence: EpochEvidence, figure: str, course: Course) -> str:
    """The means that decided, and this epoch; only where they come to if the history hides where they come from."""
    (name, form), progress = _FIGURES[figure], evidence.progress
    before, mean, now = _before(evidence, figure, course), course.mean.value, float(getattr(progress.now, figure))
    up = (evidence.learning == "improving") == (figure == "val_accuracy")
    way = f"{form.format(before)} -> " if (mean > before if up else mean < before) else ""
    means = f"mean of {course.window} epochs {way}{form.format(mean)}"
    return f"{name} {evidence.learning} ({means}{f'; now {form.format(now)}' if isfinite(now) else ''})"


def _figures(evidence: EpochEvidence, figure: str, before: float) -> str:
    """From a single epoch to this one, where one is enough."""
    name, form = _FIGURES[figure]
    now = float(getattr(evidence.progress.now, figure))
    return f"{name} {evidence.learning} ({form.format(before)} -> {form.format(now)})"


def _layers(words: dict[str, str], layers: Complaints) -> list[str]:
    """Each complaint with the first layer that has it, and how many more there are."""
    found = by_complaint([layers])
    more = {wrong: f" (+{len(names) - 1})" * (len(names) > 1) for wrong, names in found.items()}
    return [f"{words[wrong]} {names[0]}{more[wrong]}" for wrong, names in found.items()]


def _imbalance(evidence: EpochEvidence, worst: str, best: str) -> str:
    rows = evidence.measured.classes.classes if evidence.measured.classes else {}
    return f"Class imbalance: {worst}={rows[worst].accuracy:.0f}% vs {best}={rows[best].accuracy:.0f}%"
