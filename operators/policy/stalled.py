"""Does the policy still learn? That it decides on and on without an update is told, and that updates do not move it.

How long is usual without an update is the policy's own: the most decisions and episodes that lay between two of its
last ones, or that one of them learned from. A policy without updates, such as a rule, has none that could stop.

An update that moves a policy has an approx_kl of 0.001 to 0.03, and the smallest seen was 1e-7. One that does not has
that of rounding, below 1e-8 in float32.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import DecisionMade, EpisodeEnded, PolicyUpdated, RunEnded
from nissa.events.vocabulary import POLICY_STALLED, POLICY_UNMOVED
from nissa.operators.alerts import ActiveAlerts, AlertEvents, Finding, end_run, evict_oldest, update_alert
from nissa.operators.fold import Fold, Keyed

__all__ = ["Gap", "Updating", "policy_stalled"]

_KEY = POLICY_STALLED, None
_UNMOVED = POLICY_UNMOVED, "approx_kl"
_STILL = 1e-8
"""The approx_kl up to which an update did not move the policy ..."""
_SAME = 1e-4
"""... if no probability ratio is further from 1, and none was clipped."""
_USUAL = 20
"""Gaps between updates that say what is usual."""


class Gap(NamedTuple):
    """What went on between two updates."""

    decisions: int = 0
    episodes: int = 0


@dataclass(slots=True)
class Updating:
    """The updates of one policy, and what went on since the last one."""

    alerts: ActiveAlerts = field(default_factory=dict)
    updates: int = 0
    last: int | None = None
    """Number of the last update."""
    since: Gap = field(default_factory=Gap)
    gaps: deque[Gap] = field(default_factory=lambda: deque(maxlen=_USUAL))
    usual: Gap = field(default_factory=Gap)
    """The most that went on between two of the last updates."""
    still: int = 0
    """Updates in a row that did not move the policy."""


def policy_stalled(times: float = 4.0, updates: int = 2, unmoved: int = 3) -> Fold[Keyed[Updating]]:
    """Alerts "policy_stalled", told where it is noticed and resolved by the next update, and "policy_unmoved", after
    `unmoved` updates in a row that did not move the policy, resolved by one that does.

    The first is raised after more than `times` as many decisions, and as many episodes, as usual between two updates;
    of what is not told, only the other counts. Until `updates` are known nothing is usual. Raises ValueError unless
    all three are at least 1.
    """
    if not times >= 1 or updates < 1 or unmoved < 1:
        raise ValueError(f"need times >= 1, updates >= 1 and unmoved >= 1, not {times}, {updates} and {unmoved}")
    kinds = (PolicyUpdated, DecisionMade, EpisodeEnded, RunEnded)
    return Fold("policy_stalled", kinds, lambda: Keyed(Updating), partial(_step, times, updates, unmoved))


def _step(
    times: float,
    updates: int,
    unmoved: int,
    policies: Keyed[Updating],
    event: Event[PolicyUpdated | DecisionMade | EpisodeEnded | RunEnded],
) -> AlertEvents:
    payload, scope = event.payload, event.scope
    if isinstance(payload, RunEnded):
        yield from end_run(policies, scope.run)
    elif isinstance(payload, PolicyUpdated):
        yield from evict_oldest(policies, scope[:3])
        yield from _updated(policies[scope[:3]], scope, payload)
        yield from _moved(policies[scope[:3]], scope, payload, unmoved)
    elif policy := next(_who(policies, scope), None):
        decided = isinstance(payload, DecisionMade)
        policy.since = Gap(policy.since.decisions + decided, policy.since.episodes + (not decided))
        if policy.updates >= updates:
            yield from update_alert(policy.alerts, scope, _KEY, _found(policy, times), calm=1, update=policy.last)


def _who(policies: Keyed[Updating], scope: Scope) -> Iterator[Updating]:
    """The policy that decides here: of the environment, of its group, or of the run."""
    for key in (scope[:3], (scope.run, scope.group, None), (scope.run, None, None)):
        if known := policies.items.get(key):
            yield known


def _updated(policy: Updating, scope: Scope, update: PolicyUpdated) -> AlertEvents:
    policy.gaps.append(policy.since._replace(decisions=max(policy.since.decisions, update.decisions or 0)))
    policy.usual = Gap(max(gap.decisions for gap in policy.gaps), max(gap.episodes for gap in policy.gaps))
    policy.since, policy.updates, policy.last = Gap(), policy.updates + 1, update.update
    return update_alert(policy.alerts, scope, _KEY, None, calm=1)


def _moved(policy: Updating, scope: Scope, update: PolicyUpdated, unmoved: int) -> AlertEvents:
    if update.approx_kl is None or not isfinite(update.approx_kl):
        return ()
    kl, ratio = abs(float(update.approx_kl)), update.ratio_max
    same = (ratio is None or abs(ratio - 1) <= _SAME) and not update.clip_fraction
    policy.still = policy.still + 1 if same and kl <= _STILL else 0
    what = f"{policy.still} updates in a row did not move the policy: approx_kl {kl:.1e}, and every ratio is 1"
    found = Finding(what, kl, "limit", threshold=_STILL) if policy.still >= unmoved else None
    return update_alert(policy.alerts, scope, _UNMOVED, found, calm=1, update=update.update)


def _found(policy: Updating, times: float) -> Finding | None:
    usual, since = policy.usual, policy.since
    known = [(count, most) for count, most in zip(since, usual, strict=True) if most]
    if not known or any(count <= times * most for count, most in known):
        return None
    (count, most), *_ = known
    passed = f"{since.decisions} decisions and {since.episodes} episodes"
    most_usual = f"usually at most {usual.decisions} decisions and {usual.episodes} episodes lie between two"
    what = f"no update of the policy since update {policy.last}, for {passed}; {most_usual}"
    return Finding(what, float(count), "limit", float(most), times * most, len(policy.gaps))
