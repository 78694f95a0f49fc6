"""Does the policy still choose, and does the critic still tell states apart? Entropy and value collapse, by update.

Entropy is masked and normalized by head (Huang and Ontanon 2022, arXiv:2006.14171, for the masks). The limits are
conventions of practitioners, not constants of the literature: they are arguments.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from math import isfinite

from nissa.events.event import Event, Scope
from nissa.events.kinds import AlertRaised, AlertResolved, HeadEntropy, PolicyUpdated, RunEnded
from nissa.operators.alerts.active_alerts import Alerts, end_run, follow, make_room, of
from nissa.operators.fold import Fold, Keyed, united
from nissa.operators.policy.figures import DEGENERATE, degenerate, information, normalized_entropy, value_spread

__all__ = ["LIMITS", "CollapseLimits", "Policy", "policy_collapse"]

Told = Iterator[AlertRaised | AlertResolved]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollapseLimits:
    """When a policy has collapsed."""

    critical: float = 0.10
    """Normalized entropy below which a head is critical."""
    warning: float = 0.30
    """Normalized entropy below which it is a warning, unless it is critical."""
    informed: float = 0.05
    """Information about the state, as a share of what there is to choose, from which a certain head is competent."""
    spread: float = 0.05
    """std(values) / std(returns) below which the critic says the same of every state ..."""
    explained: float = 0.05
    """... if it explains less than this share of the variance, too."""
    entropy_updates: int = 5
    """Updates in a row before the entropy is an alert."""
    value_updates: int = 3
    """Updates in a row before the critic, or the returns, are one."""
    warm_up: int = 10
    """Updates before the first one that counts."""
    recovery: float = 1.5
    """How many times its limit a figure must be for its alert to be over."""


LIMITS = CollapseLimits()


@dataclass(slots=True)
class Policy:
    """What is known of one policy."""

    updates: int = 0
    alerts: Alerts = field(default_factory=dict)
    lows: Keyed[int] = field(default_factory=lambda: Keyed(int, limit=256))


def policy_collapse(limits: CollapseLimits = LIMITS) -> Fold[Keyed[Policy]]:
    """Alerts "entropy_collapse" by head, "value_collapse" and "degenerate_returns"; a policy outlives its episodes.

    What an update does not say, such as a head without counts of valid choices, neither counts nor breaks a row.
    """
    kinds = (PolicyUpdated, RunEnded)
    return Fold("policy_collapse", kinds, lambda: Keyed(Policy), partial(_step, limits), united)


def _step(limits: CollapseLimits, policies: Keyed[Policy], event: Event[PolicyUpdated | RunEnded]) -> Told:
    scope, update = event.scope, event.payload
    if isinstance(update, RunEnded):
        yield from end_run(policies, scope.run)
        return
    yield from make_room(policies, scope[:3])
    policy = policies[scope[:3]]
    policy.updates += 1
    if policy.updates <= limits.warm_up:
        return
    for name, head in update.heads.items():
        yield from _entropy(limits, policy, scope, name, head)
    yield from _value(limits, policy, scope, update)


def _entropy(limits: CollapseLimits, policy: Policy, scope: Scope, name: str, head: HeadEntropy) -> Told:
    if (left := normalized_entropy(head)) is None:
        return
    told = information(head)
    competent = told is not None and told >= limits.informed
    what = (
        f"{name} uses {left:.0%} of the entropy that it may have, over {head.decisions} decisions, whatever the state"
    )
    for severity, limit in (("critical", limits.critical), ("warning", limits.warning)):
        found = _found("entropy_collapse", severity, name, value=left, limit=limit, what=what)
        low = not competent and left < limit * _slack(limits, policy, found)
        yield from _judge(policy, scope, found, low, limits.entropy_updates)


def _value(limits: CollapseLimits, policy: Policy, scope: Scope, update: PolicyUpdated) -> Told:
    if update.return_std is not None and isfinite(update.return_std):
        what = f"returns do not vary: their standard deviation is {update.return_std:.3g}"
        same = _found("degenerate_returns", "warning", value=update.return_std, limit=DEGENERATE, what=what)
        yield from _judge(policy, scope, same, degenerate(update), limits.value_updates)
    spread, explained = value_spread(update), update.explained_variance
    if spread is None or explained is None or not isfinite(explained):
        return
    what = f"values vary by {spread:.1%} of what returns do, and explain {explained:.1%} of their variance"
    found = _found("value_collapse", "critical", value=spread, limit=limits.spread, what=what)
    slack = _slack(limits, policy, found)
    low = spread < limits.spread * slack and explained < limits.explained * slack
    yield from _judge(policy, scope, found, low, limits.value_updates)


def _found(
    alert: str, severity: str, subject: str | None = None, *, value: float, limit: float, what: str
) -> AlertRaised:
    return AlertRaised(
        alert=alert,
        severity=severity,
        subject=subject,
        value=float(value),
        threshold=limit,
        clause="limit",
        what=what,
    )


def _slack(limits: CollapseLimits, policy: Policy, found: AlertRaised) -> float:
    """How many times its limit a figure may be: once its alert stands, it takes more to get out."""
    return limits.recovery if of(found) in policy.alerts else 1.0


def _judge(policy: Policy, scope: Scope, found: AlertRaised, low: bool, needed: int) -> Told:
    """An alert is raised by `needed` updates in a row; a warning waits as long as the same is critical."""
    key = of(found)
    policy.lows[key] = policy.lows[key] + 1 if low else 0
    critical = (found.alert, found.subject, "critical") in policy.alerts
    due = policy.lows[key] >= needed and not (critical and found.severity == "warning")
    stands = low and (due or key in policy.alerts)
    yield from follow(policy.alerts, scope, key, found if stands else None, calm=1)
