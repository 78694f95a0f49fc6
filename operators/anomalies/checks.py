"""The checks of an environment: which numbers of a payload are looked at, and by which rule.

Each function takes one payload in: it compares, raises and resolves, and then folds the numbers in. Broken numbers
raise an alert and are folded into nothing; to the other rules they are no observation at all. A probe's measurement is
one observation: the next sound one ends the alert of a broken layer. Gradients alone may belong to a step that a scaler
leaves out, so they are broken once that lasts, or where a loss, an activation or a weight is broken too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any

from nissa.events.event import Scope
from nissa.events.kind import Payload
from nissa.events.kinds import (
    ActivationsMeasured,
    AlertRaised,
    AlertResolved,
    BatchCompleted,
    EpochCompleted,
    GradientsMeasured,
    ScalarsLogged,
)
from nissa.events.vocabulary import ACCURACY_DROP, DORMANT_UNITS, GRADIENT_EXPLOSION, LOSS_SPIKE, NON_FINITE
from nissa.operators.alerts import ActiveAlerts, AlertEvents, Finding, non_finite_value, update_alert
from nissa.operators.anomalies.non_finite import BROKEN, EPOCH_FIGURES, GRADIENTS, Rows
from nissa.operators.anomalies.thresholds import Rules
from nissa.operators.overflow import Overflow
from nissa.operators.statistics import Detection, Detector, RatioRule, RollingMedianRatio, SampleSize

__all__ = [
    "EpisodeBaselines",
    "activations_measured",
    "batch_completed",
    "epoch_completed",
    "find_broken",
    "gradients_measured",
    "probe_measured",
    "scalars_logged",
]

_SUBJECTS = 64
"""Parts of one network whose gradient norms are followed at a time."""


@dataclass(slots=True)
class EpisodeBaselines:
    """What is usual in the episode that an environment is in, and what is out of order there."""

    rules: Rules
    episode: int | None = None
    alerts: ActiveAlerts = field(default_factory=dict)
    curves: dict[str, Detector | RatioRule] = field(default_factory=dict)
    norms: dict[str, RollingMedianRatio] = field(default_factory=dict)
    accuracy: float | None = None
    samples: int = 0
    """What that is of; 0 if nobody knows."""
    size: SampleSize = field(default_factory=SampleSize)
    """Of the validation set, which outlives an episode."""
    dormant: dict[str, int] = field(default_factory=dict)
    """Measurements in a row in which a layer had too many dormant units."""
    overflows: dict[type, Overflow] = field(default_factory=lambda: {kind: Overflow() for kind in GRADIENTS})
    """By kind of event, for how long its gradients have not been finite."""


def batch_completed(state: EpisodeBaselines, scope: Scope, batch: BatchCompleted) -> AlertEvents:
    """Take a batch in: loss and, as far as they were measured, gradient norms."""
    loss, host, seeds = float(batch.loss), batch.host_grad_norm, batch.seed_grad_norms
    events: list[AlertRaised | AlertResolved] = []
    leaks = (batch.isolation_leakage or 0.0) + (batch.isolation_forward_leakage or 0.0)
    others = (host or 0.0) + (batch.accuracy or 0.0) + leaks
    if any(batch.seed_non_finite.values()) or _may_matter(state, loss + others + sum(seeds.values())):
        events += find_broken(state, scope, batch, state.rules.calm_batches)
    events += _spike(state, scope, "loss", loss, state.rules.calm_batches)
    events += _explosions(state, scope, (("host", host), *seeds.items()))
    return events


def epoch_completed(state: EpisodeBaselines, scope: Scope, epoch: EpochCompleted) -> AlertEvents:
    """Take an epoch in: its losses and accuracies, as far as they were measured."""
    rules, figures = state.rules, {name: getattr(epoch, name) for name in EPOCH_FIGURES}
    values = {name: float(value) for name, value in figures.items() if value is not None}
    if _may_matter(state, sum(values.values())):
        yield from find_broken(state, scope, epoch, rules.calm_epochs)
    for name in (loss for loss in rules.losses if loss in values):
        yield from _spike(state, scope, name, values[name], rules.calm_epochs)
    if isfinite(accuracy := values.get("val_accuracy", nan)):
        state.size.see(accuracy, epoch.n_val)
        yield from _drop(state, scope, accuracy)


def scalars_logged(state: EpisodeBaselines, scope: Scope, logged: ScalarsLogged) -> AlertEvents:
    """Take scalars in: those that the configuration names. Of others nobody knows what is usual, or if NaN is."""
    rules = state.rules
    for name in rules.scalars:
        if (value := logged.values.get(name)) is not None:
            subject = f"scalar {name}"
            key, found = (NON_FINITE, subject), non_finite_value(subject, value)
            yield from update_alert(state.alerts, scope, key, found, rules.calm_batches)
            yield from _spike(state, scope, subject, value, rules.calm_batches)


def probe_measured(state: EpisodeBaselines, scope: Scope, payload: Payload) -> AlertEvents:
    """Take weights or sharpness in: what of them is not finite."""
    return find_broken(state, scope, payload, calm=1)


def gradients_measured(state: EpisodeBaselines, scope: Scope, gradients: GradientsMeasured) -> AlertEvents:
    """Take gradients in: what of them is not finite. Nearly always nothing is, nor anything else."""
    if state.alerts or any(layer.non_finite > 0 for layer in gradients.layers.values()):
        return find_broken(state, scope, gradients, calm=1)
    if gradients.layers:
        state.overflows[GradientsMeasured].look(False, scope.epoch, gradients.batch)
    return ()


def activations_measured(state: EpisodeBaselines, scope: Scope, activations: ActivationsMeasured) -> AlertEvents:
    """Take activations in. A unit is dormant whose mean magnitude is next to nothing (Sokar et al. 2023); the probe
    says what that is, and tells the share of activation functions only."""
    yield from find_broken(state, scope, activations, calm=1)
    known = {layer: float(row.dormant) for layer, row in activations.layers.items() if row.dormant is not None}
    shares = {layer: share for layer, share in known.items() if isfinite(share)}
    high = (layer for layer, share in shares.items() if share > state.rules.dormant)
    state.dormant = {layer: state.dormant.get(layer, 0) + 1 for layer in high}
    # A seed that is gone has no dormant units any more.
    gone = [layer for alert, layer in state.alerts if alert == DORMANT_UNITS and layer not in shares]
    for layer, share in (shares | dict.fromkeys(map(str, gone), 0.0)).items():
        yield from _dormancy(state, scope, layer, share)


def find_broken(state: EpisodeBaselines, scope: Scope, payload: Payload, calm: int, late: bool = False) -> AlertEvents:
    """Find what is not finite. What comes late speaks for itself only: it ends no alert of what is going on now."""
    rows = list(BROKEN.get(type(payload), _nothing)(payload))
    for subject, found in rows:
        if found is not None or not late:
            yield from update_alert(state.alerts, scope, (NON_FINITE, subject), found, calm)
    if type(payload) in GRADIENTS and not late:
        yield from _overflown(state, scope, payload, calm)


def _overflown(state: EpisodeBaselines, scope: Scope, payload: Any, calm: int) -> AlertEvents:
    """Gradients are broken once that lasts, and at once where something else is."""
    rows = list(GRADIENTS[type(payload)](payload))
    if rows:
        lasts = state.overflows[type(payload)].look(any(found for _, found in rows), scope.epoch, payload.batch)
        broken = lasts or _is_broken(state)
        for subject, found in rows:
            yield from update_alert(state.alerts, scope, (NON_FINITE, subject), found if broken else None, calm)


def _nothing(_: Payload) -> Rows:
    return ()


def _is_broken(state: EpisodeBaselines) -> bool:
    return bool(state.alerts) and any(alert == NON_FINITE for alert, _ in state.alerts)


def _may_matter(state: EpisodeBaselines, total: float) -> bool:
    """Whether to ask number by number what is broken: their sum is, or one was before and may be sound again."""
    return not isfinite(total) or state.overflows[BatchCompleted].steps > 0 or _is_broken(state)


def _spike(state: EpisodeBaselines, scope: Scope, name: str, value: float, calm: int) -> AlertEvents:
    if not isfinite(value):
        return ()
    curve = state.curves.get(name)
    if curve is None:
        curve = state.curves[name] = state.rules.spike()
    high, found = curve.judge(value), None
    if high is None and not state.alerts:
        return ()
    if high is not None:
        what = f"{name} {value:.4g} over {high.threshold:.4g}, usually {high.baseline:.4g}: {high.clause}"
        found = Finding(what, value, *high)
    return update_alert(state.alerts, scope, (LOSS_SPIKE, name), found, calm)


def _explosions(state: EpisodeBaselines, scope: Scope, norms: Iterable[tuple[str, float | None]]) -> AlertEvents:
    rules, known = state.rules, state.norms
    events: list[AlertRaised | AlertResolved] = []
    for subject, norm in norms:
        if norm is None or not isfinite(norm):
            continue
        recent = known.get(subject) or _follow(known, subject)
        high = recent.judge(float(norm), rules.explosion, rules.typical)
        if high is not None or state.alerts:
            found = None if high is None else _exploded(subject, norm, high)
            events += update_alert(state.alerts, scope, (GRADIENT_EXPLOSION, subject), found, rules.calm_batches)
    return events


def _exploded(subject: str, norm: float, high: Detection) -> Finding:
    times = f"{norm / high.baseline:,.0f} times its typical {high.baseline:.4g}"
    return Finding(f"gradient norm of {subject} is {norm:.4g}, {times}", float(norm), *high)


def _follow(norms: dict[str, RollingMedianRatio], subject: str) -> RollingMedianRatio:
    """The norms of one more subject; of too many, the one known longest is forgotten."""
    if len(norms) >= _SUBJECTS:
        del norms[next(iter(norms))]
    return norms.setdefault(subject, RollingMedianRatio())


def _drop(state: EpisodeBaselines, scope: Scope, accuracy: float) -> AlertEvents:
    rules, before, key, size = state.rules, state.accuracy, (ACCURACY_DROP, "val_accuracy"), state.size
    if before is not None:
        # What is inferred now holds for the accuracies that it was inferred from.
        samples, found = size.n if size.inferred else state.samples, None
        points = max(rules.points, rules.noise(before, samples, size.n))
        if before - accuracy > points:
            inferred = f" (of {size.n} samples, inferred from the accuracies)" if size.inferred else ""
            fell = f"fell from {before:.2f}% to {accuracy:.2f}%, by more than {points:.2f} points{inferred}"
            found = Finding(f"validation accuracy {fell}", accuracy, "drop", before, before - points, 1)
        yield from update_alert(state.alerts, scope, key, found, rules.calm_epochs)
    if not (rules.lasting and key in state.alerts):
        state.accuracy, state.samples = accuracy, size.n


def _dormancy(state: EpisodeBaselines, scope: Scope, layer: str, share: float) -> AlertEvents:
    rules, key, row, found = state.rules, (DORMANT_UNITS, layer), state.dormant.get(layer, 0), None
    if row >= rules.dormant_measurements or (row > 0 and key in state.alerts):
        what = f"{share:.0%} of the units of {layer} are dormant, in {row} measurements in a row"
        found = Finding(what, share, "limit", threshold=rules.dormant, window=row)
    return update_alert(state.alerts, scope, key, found, rules.calm_epochs)
