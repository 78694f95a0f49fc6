"""Which numbers of a batch or an epoch are looked at, and by which rule? And what is broken, whatever told it?

Each function takes one payload in: it compares, raises and resolves, and then folds the numbers in. Broken numbers
raise an alert and are folded into nothing; to the other rules they are no observation at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite

from nissa.events.event import Scope
from nissa.events.kind import Payload
from nissa.events.kinds import AlertRaised, AlertResolved, BatchCompleted, EpochCompleted
from nissa.operators.alerts import messages as faults
from nissa.operators.alerts.active_alerts import Alerts, follow
from nissa.operators.anomalies.non_finite import BROKEN, EPOCH_FIGURES
from nissa.operators.anomalies.thresholds import Rules
from nissa.operators.statistics.rolling_median_ratio import Typical
from nissa.operators.statistics.rolling_ratio import RatioRule
from nissa.operators.statistics.spike_detector import Detector

__all__ = ["Place", "Told", "batch_completed", "broken", "epoch_completed"]

_SUBJECTS = 64
"""Parts of one network whose gradient norms are followed at a time."""

Told = Iterable[AlertRaised | AlertResolved]


@dataclass(slots=True)
class Place:
    """What is usual in the episode that an environment is in, and what is out of order there."""

    rules: Rules
    episode: int | None = None
    alerts: Alerts = field(default_factory=dict)
    curves: dict[str, Detector | RatioRule] = field(default_factory=dict)
    norms: dict[str, Typical] = field(default_factory=dict)
    accuracy: float | None = None
    dormant: dict[str, int] = field(default_factory=dict)
    """Measurements in a row in which a layer had too many dormant units."""


def batch_completed(rules: Rules, place: Place, scope: Scope, batch: BatchCompleted) -> Told:
    """Take a batch in: loss and gradient norms."""
    loss, host, seeds = float(batch.loss), float(batch.host_grad_norm), batch.seed_grad_norms
    told: list[AlertRaised | AlertResolved] = []
    if _may_matter(place, loss + host + batch.accuracy + (batch.isolation_leakage or 0.0) + sum(seeds.values())):
        told += broken(place, scope, batch, rules.calm_batches)
    told += _spike(rules, place, scope, "loss", loss, calm=rules.calm_batches)
    told += _explosion(rules, place, scope, "host", host)
    for slot, norm in seeds.items():
        told += _explosion(rules, place, scope, slot, float(norm))
    return told


def epoch_completed(rules: Rules, place: Place, scope: Scope, epoch: EpochCompleted) -> Told:
    """Take an epoch in: its losses and accuracies, as far as they were measured."""
    told = {name: getattr(epoch, name) for name in EPOCH_FIGURES}
    values = {name: float(value) for name, value in told.items() if value is not None}
    if _may_matter(place, sum(values.values())):
        yield from broken(place, scope, epoch, rules.calm_epochs)
    for name in (loss for loss in rules.losses if loss in values):
        yield from _spike(rules, place, scope, name, values[name], calm=rules.calm_epochs)
    if isfinite(values["val_accuracy"]):
        yield from _drop(rules, place, scope, values["val_accuracy"], int(epoch.n_val or 0))


def broken(place: Place, scope: Scope, payload: Payload, calm: int, late: bool = False) -> Told:
    """Find what is not finite. What comes late speaks for itself only: it ends no alert of what is going on now."""
    for subject, found in BROKEN[type(payload)](payload):
        if found is not None or not late:
            yield from follow(place.alerts, scope, ("non_finite", subject, "critical"), found, calm)


def _may_matter(place: Place, total: float) -> bool:
    """Whether to ask number by number what is broken: their sum is, or one was before and may be sound again."""
    return not isfinite(total) or (bool(place.alerts) and any(alert == "non_finite" for alert, _, _ in place.alerts))


def _spike(rules: Rules, place: Place, scope: Scope, name: str, value: float, *, calm: int) -> Told:
    if not isfinite(value):
        return ()
    curve = place.curves.get(name)
    if curve is None:
        curve = place.curves[name] = rules.spike()
    alarm = curve.judge(value)
    if alarm is None and not place.alerts:
        return ()
    return follow(place.alerts, scope, ("loss_spike", name, "warning"), faults.loss_spike(name, value, alarm), calm)


def _explosion(rules: Rules, place: Place, scope: Scope, subject: str, norm: float) -> Told:
    if not isfinite(norm):
        return ()
    typical = place.norms.get(subject)
    if typical is None:
        typical = _enter(place.norms, subject)
    alarm = typical.judge(norm, rules.explosion, rules.typical)
    if alarm is None and not place.alerts:
        return ()
    found = faults.gradient_explosion(subject, norm, alarm)
    return follow(place.alerts, scope, ("gradient_explosion", subject, "critical"), found, rules.calm_batches)


def _enter(norms: dict[str, Typical], subject: str) -> Typical:
    """A place for one more subject; of too many, the one known longest is given back."""
    if len(norms) >= _SUBJECTS:
        del norms[next(iter(norms))]
    return norms.setdefault(subject, Typical())


def _drop(rules: Rules, place: Place, scope: Scope, accuracy: float, n_val: int) -> Told:
    before, key = place.accuracy, ("accuracy_drop", "val_accuracy", "warning")
    if before is not None:
        points = max(rules.points, rules.noise(before, n_val))
        found = faults.accuracy_drop(accuracy, before, points)
        yield from follow(place.alerts, scope, key, found, rules.calm_epochs)
    if not (rules.lasting and key in place.alerts):
        place.accuracy = accuracy
