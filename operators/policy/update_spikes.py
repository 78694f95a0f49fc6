"""Did an update of the policy go too far, or break? Spikes of KL, clipping and ratios, and figures that are not finite.

approx_kl is Schulman's k3, clip_fraction and explained_variance are as in CleanRL and Stable-Baselines3. The limits are
conventions of practitioners: KL targets lie between 0.01 and 0.03, clip fractions of a healthy run between 0.1 and 0.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isfinite

from nissa.events.event import Event, Scope
from nissa.events.kinds import PolicyUpdated, RunEnded
from nissa.events.vocabulary import CLIP_FRACTION_SPIKE, KL_SPIKE, NON_FINITE, RATIO_EXPLOSION, Alert
from nissa.operators.alerts import (
    ActiveAlerts,
    AlertEvents,
    Finding,
    end_run,
    evict_oldest,
    non_finite_value,
    update_alert,
)
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.policy.figures import degenerate
from nissa.operators.statistics import Window

__all__ = ["SPIKE_LIMITS", "Spike", "Updates", "policy_spikes"]


@dataclass(frozen=True, slots=True)
class Spike:
    """When a figure of an update is a spike."""

    alert: Alert
    """What it is then."""
    limit: float
    """It must be more than this ..."""
    factor: float | None
    """... and more than so many times the median of the updates before it; None where the limit alone decides."""


SPIKE_LIMITS: Mapping[str, Spike] = {
    "approx_kl": Spike(KL_SPIKE, 0.1, 3.0),
    "clip_fraction": Spike(CLIP_FRACTION_SPIKE, 0.5, 1.5),
    "ratio_max": Spike(RATIO_EXPLOSION, 20.0, None),
}
"""The rule for each figure, by its field."""

_FIGURES = (
    *("policy_loss", "value_loss", "entropy", "approx_kl", "clip_fraction", "explained_variance", "ratio_max"),
    *("value_mean", "value_std", "return_mean", "return_std", "grad_norm", "learning_rate"),
)
_SUMS = ("entropy", "log_valid", "mean_policy_entropy")


@dataclass(slots=True)
class Updates:
    """What is usual in the updates of one policy, and what is out of order."""

    alerts: ActiveAlerts = field(default_factory=dict)
    usual: dict[str, Window] = field(default_factory=dict)


def policy_spikes(limits: Mapping[str, Spike] = SPIKE_LIMITS, warm_up: int = 5, calm: int = 3) -> Fold[Keyed[Updates]]:
    """Alerts on single updates. The usual is the median of the last 20, once `warm_up` are known.

    An alert is over after `calm` quiet updates. Broken figures are an alert from the first update on, but for an
    explained variance where the returns are known not to vary: it is NaN by definition. Raises ValueError on a figure
    that there is not.
    """
    if unknown := limits.keys() - set(_FIGURES):
        raise ValueError(f"limits must be of {', '.join(_FIGURES)}, not of {', '.join(sorted(unknown))}")
    kinds = (PolicyUpdated, RunEnded)
    step = partial(_step, limits, warm_up, calm)
    return Fold("policy_spikes", kinds, lambda: Keyed(Updates), step, merge_disjoint)


def _step(
    limits: Mapping[str, Spike],
    warm_up: int,
    calm: int,
    policies: Keyed[Updates],
    event: Event[PolicyUpdated | RunEnded],
) -> AlertEvents:
    scope, update = event.scope, event.payload
    if isinstance(update, RunEnded):
        yield from end_run(policies, scope.run)
        return
    yield from evict_oldest(policies, scope[:3])
    policy = policies[scope[:3]]
    yield from _broken(policy, scope, update, calm)
    for name, spike in limits.items():
        if (figure := getattr(update, name)) is not None and isfinite(value := float(figure)):
            usual = policy.usual.setdefault(name, Window(20))
            found = _spike(name, spike, value, usual, warm_up)
            yield from update_alert(policy.alerts, scope, (spike.alert, name), found, calm, update=update.update)
            usual.push(value)


def _broken(policy: Updates, scope: Scope, update: PolicyUpdated, calm: int) -> AlertEvents:
    rows = {name: getattr(update, name) for name in _FIGURES}
    if degenerate(update):
        del rows["explained_variance"]
    rows |= {f"{head}.{name}": getattr(sums, name) for head, sums in update.heads.items() for name in _SUMS}
    for name, value in rows.items():
        if value is None:
            continue
        found = non_finite_value(f"{name} of the update", float(value))
        yield from update_alert(policy.alerts, scope, (NON_FINITE, name), found, calm, update=update.update)


def _spike(name: str, spike: Spike, value: float, usual: Window, warm_up: int) -> Finding | None:
    median = None if spike.factor is None or not usual.ranked else usual.median()
    if spike.factor is not None and len(usual) < warm_up:
        return None
    threshold = max(spike.limit, (spike.factor or 0.0) * (median or 0.0))
    if value <= threshold:
        return None
    what = f"{name} {value:.4g} over {threshold:.4g}" + (f", usually {median:.4g}" if median is not None else "")
    clause = "limit" if threshold == spike.limit else "ratio"
    return Finding(what, value, clause, median, threshold, len(usual) if median is not None else 0)
