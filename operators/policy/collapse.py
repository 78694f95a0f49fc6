"""Does the policy still choose, and does the critic still tell states apart? Entropy and value collapse, by update.

Entropy is masked and normalized by head (Huang and Ontanon 2022, arXiv:2006.14171, for the masks). The limits are
conventions of practitioners, not constants of the literature: they are arguments.
"""

from dataclasses import dataclass, field
from functools import partial
from math import isfinite

from nissa.events.event import Event, Scope
from nissa.events.kinds import HeadEntropy, PolicyUpdated, RunEnded
from nissa.events.vocabulary import DEGENERATE_RETURNS, ENTROPY_COLLAPSE, ENTROPY_LOW, VALUE_COLLAPSE
from nissa.operators.alerts import ActiveAlerts, AlertEvents, AlertKey, Finding, end_run, evict_oldest, update_alert
from nissa.operators.fold import Fold, Keyed, merge_disjoint
from nissa.operators.policy.figures import DEGENERATE, degenerate, information, normalized_entropy, value_spread

__all__ = ["COLLAPSE_LIMITS", "CollapseLimits", "Policy", "policy_collapse"]


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
    sound: int = 2
    """Updates in which a figure was sound before it can collapse at once."""
    unsound: int = 5
    """Updates in a row, none nearer to its limit than any before, that show as much of one that never was: until then
    it may still be learning."""
    recovery: float = 1.5
    """How many times its limit a figure must be for its alert to be over."""


COLLAPSE_LIMITS = CollapseLimits()


@dataclass(slots=True)
class Policy:
    """What is known of one policy."""

    number: int | None = None
    """Of the last update, as it was told."""
    alerts: ActiveAlerts = field(default_factory=dict)
    lows: Keyed[int] = field(default_factory=lambda: Keyed(int, limit=256))
    """Updates in a row that were out of order, by alert and subject."""
    sound: Keyed[int] = field(default_factory=lambda: Keyed(int, limit=256))
    """Updates that were in order, likewise."""
    nearest: Keyed[float] = field(default_factory=lambda: Keyed(float, limit=256))
    """The most of its limit that a figure ever reached, likewise."""


def policy_collapse(limits: CollapseLimits = COLLAPSE_LIMITS) -> Fold[Keyed[Policy]]:
    """Alerts "entropy_collapse" by head, "value_collapse" and "degenerate_returns"; a policy outlives its episodes.

    What an update does not say, such as a head without counts of valid choices, neither counts nor breaks a row.
    """
    kinds = (PolicyUpdated, RunEnded)
    step = partial(_step, limits)
    return Fold("policy_collapse", kinds, lambda: Keyed(Policy), step, merge_disjoint, version=2)


def _step(limits: CollapseLimits, policies: Keyed[Policy], event: Event[PolicyUpdated | RunEnded]) -> AlertEvents:
    scope, update = event.scope, event.payload
    if isinstance(update, RunEnded):
        yield from end_run(policies, scope.run)
        return
    yield from evict_oldest(policies, scope[:3])
    policy = policies[scope[:3]]
    policy.number = update.update
    for name, head in update.heads.items():
        yield from _entropy(limits, policy, scope, name, head)
    yield from _value(limits, policy, scope, update)


def _entropy(limits: CollapseLimits, policy: Policy, scope: Scope, name: str, head: HeadEntropy) -> AlertEvents:
    if (left := normalized_entropy(head)) is None:
        return
    known = information(head)
    competent = known is not None and known >= limits.informed
    what = (
        f"{name} uses {left:.0%} of the entropy that it may have, over {head.decisions} decisions, whatever the state"
    )
    for alert, limit in ((ENTROPY_COLLAPSE, limits.critical), (ENTROPY_LOW, limits.warning)):
        low = not competent and left < limit * _slack(limits, policy, (alert, name))
        found = Finding(what, left, "limit", threshold=limit) if low else None
        yield from _judge(limits, policy, scope, (alert, name), found, reached=left / limit)


def _value(limits: CollapseLimits, policy: Policy, scope: Scope, update: PolicyUpdated) -> AlertEvents:
    if update.return_std is not None and isfinite(update.return_std):
        yield from _returns(limits, policy, scope, update, float(update.return_std))
    spread, explained = value_spread(update), update.explained_variance
    if spread is None or explained is None or not isfinite(explained):
        return
    slack, found = _slack(limits, policy, (VALUE_COLLAPSE, None)), None
    if spread < limits.spread * slack and explained < limits.explained * slack:
        what = f"values vary by {spread:.1%} of what returns do, and explain {explained:.1%} of their variance"
        found = Finding(what, spread, "limit", threshold=limits.spread)
    reached = max(spread / limits.spread, explained / limits.explained)
    yield from _judge(limits, policy, scope, (VALUE_COLLAPSE, None), found, reached=reached)


def _returns(
    limits: CollapseLimits, policy: Policy, scope: Scope, update: PolicyUpdated, deviation: float
) -> AlertEvents:
    what = f"returns do not vary: their standard deviation is {deviation:.3g}"
    found = Finding(what, deviation, "limit", threshold=DEGENERATE) if degenerate(update) else None
    return _judge(limits, policy, scope, (DEGENERATE_RETURNS, None), found, reached=deviation / DEGENERATE)


def _slack(limits: CollapseLimits, policy: Policy, key: AlertKey) -> float:
    """How many times its limit a figure may be: once its alert is active, it takes more to get out."""
    return limits.recovery if key in policy.alerts else 1.0


def _judge(
    limits: CollapseLimits, policy: Policy, scope: Scope, key: AlertKey, found: Finding | None, *, reached: float
) -> AlertEvents:
    """An alert is raised by so many updates in a row; that an entropy is low waits while it has collapsed.

    `reached` is the figure as a multiple of its limit: what was never in order counts only where it does not come
    nearer to it.
    """
    alert, subject = key
    policy.sound[key] += found is None
    needed = limits.entropy_updates if alert in (ENTROPY_COLLAPSE, ENTROPY_LOW) else limits.value_updates
    if policy.sound[key] < limits.sound:
        needed = max(needed, limits.unsound)
        before = policy.nearest.items.get(key, reached)
        policy.nearest[key] = max(before, reached)
        if reached > before:
            policy.lows[key] = 0
    policy.lows[key] = policy.lows[key] + 1 if found else 0
    waits = alert == ENTROPY_LOW and (ENTROPY_COLLAPSE, subject) in policy.alerts
    due = policy.lows[key] >= needed and not waits
    active = due or key in policy.alerts
    return update_alert(policy.alerts, scope, key, found if active else None, calm=1, update=policy.number)
