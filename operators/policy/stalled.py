"""Does the policy still learn? That it decides on and on without an update is told, where that is not usual for it.

What is usual is the policy's own: the most decisions and episodes that lay between two of its last updates, or that one
of them learned from. A policy without updates, such as a rule, has none that could stop.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import DecisionMade, EpisodeEnded, PolicyUpdated, RunEnded
from nissa.events.vocabulary import POLICY_STALLED
from nissa.operators.alerts import ActiveAlerts, AlertEvents, Finding, end_run, evict_oldest, update_alert
from nissa.operators.fold import Fold, Keyed

__all__ = ["Gap", "Updating", "policy_stalled"]

_KEY = POLICY_STALLED, None
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


def policy_stalled(times: float = 4.0, updates: int = 2) -> Fold[Keyed[Updating]]:
    """Alert "policy_stalled", told where it is noticed, and resolved by the next update.

    It is raised after more than `times` as many decisions, and as many episodes, as usual between two updates;
    of what is not told, only the other counts. Until `updates` are known nothing is usual. Raises ValueError unless
    `times` and `updates` are at least 1.
    """
    if not times >= 1 or updates < 1:
        raise ValueError(f"need times >= 1 and updates >= 1, not {times} and {updates}")
    kinds = (PolicyUpdated, DecisionMade, EpisodeEnded, RunEnded)
    return Fold("policy_stalled", kinds, lambda: Keyed(Updating), partial(_step, times, updates))


def _step(
    times: float,
    updates: int,
    policies: Keyed[Updating],
    event: Event[PolicyUpdated | DecisionMade | EpisodeEnded | RunEnded],
) -> AlertEvents:
    payload, scope = event.payload, event.scope
    if isinstance(payload, RunEnded):
        yield from end_run(policies, scope.run)
    elif isinstance(payload, PolicyUpdated):
        yield from evict_oldest(policies, scope[:3])
        yield from _updated(policies[scope[:3]], scope, payload)
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
