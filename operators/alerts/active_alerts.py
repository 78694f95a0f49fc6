"""The life of an alert: raised once, held while its rule keeps firing, resolved once, whatever happens.

>>> from nissa.events.vocabulary import LOSS_SPIKE
>>> alerts, key = {}, (LOSS_SPIKE, "loss")
>>> found = Finding("2.0, usually 1.0", 2.0, "jump")
>>> [len(update_alert(alerts, Scope("run"), key, rule, calm=2)) for rule in (found, found, None, None)]
[1, 0, 0, 1]
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from nissa.events.event import Scope
from nissa.events.kinds import AlertRaised, AlertResolved
from nissa.events.vocabulary import Alert
from nissa.operators.alerts.finding import Finding
from nissa.operators.fold import Keyed

__all__ = [
    "MAX_ACTIVE",
    "ActiveAlert",
    "ActiveAlerts",
    "AlertEvents",
    "AlertKey",
    "HasAlerts",
    "end_run",
    "evict_oldest",
    "resolve",
    "update_alert",
]

AlertEvents = Iterable[AlertRaised | AlertResolved]

AlertKey = tuple[Alert, str | None]
"""An alert and its subject."""

MAX_ACTIVE = 256
"""Alerts of one environment that may be active at a time; one more, and the oldest is resolved as crowded out."""


@dataclass(slots=True)
class ActiveAlert:
    """An alert that was raised and not resolved yet."""

    scope: Scope
    update: int | None = None
    observations: int = 0
    calm: int = 0


ActiveAlerts = dict[AlertKey, ActiveAlert]


class HasAlerts(Protocol):
    """An environment, or a policy."""

    alerts: ActiveAlerts


A = TypeVar("A", bound=HasAlerts)


def update_alert(
    alerts: ActiveAlerts, scope: Scope, key: AlertKey, found: Finding | None, calm: int, *, update: int | None = None
) -> Sequence[AlertRaised | AlertResolved]:
    """Take one observation in: what the rule found, or None; `calm` of those in a row resolve the alert.

    `update` is that of the policy, where it is about one.
    """
    # Nearly always: nothing is wrong, so that no key has to be hashed.
    if found is None and not alerts:
        return ()
    active = alerts.get(key)
    if active is None:
        return () if found is None else _raise(alerts, ActiveAlert(scope, update), key, found)
    active.observations += 1
    active.calm = 0 if found is not None else active.calm + 1
    return (_resolve(alerts, key, "recovered"),) if active.calm >= calm else ()


def resolve(
    alerts: ActiveAlerts, clause: str, meant: Callable[[AlertKey], bool] | None = None, keep: int = 0
) -> Iterator[AlertResolved]:
    """End the alerts that are meant, all unless told otherwise, the oldest first, but for the last `keep`."""
    keys = [key for key in alerts if meant is None or meant(key)]
    for key in keys[: max(0, len(keys) - keep)]:
        yield _resolve(alerts, key, clause)


def end_run(owners: Keyed[A], run: str) -> Iterator[AlertResolved]:
    """End whatever is active anywhere in a run, whose name is the first part of the keys, and forget its owners."""
    for key in [key for key in owners.items if key[0] == run]:
        yield from resolve(owners.items.pop(key).alerts, "run_ended")


def evict_oldest(owners: Keyed[A], key: Any) -> Iterator[AlertResolved]:
    """Forget owners until there is room for `key`, whose first part is the name of its run.

    What is active in them is resolved as crowded out. A run that died long ago is not told of.
    """
    while key not in owners.items and len(owners.items) >= owners.limit:
        gone, owner = owners.items.popitem(last=False)
        if gone[0] == key[0]:
            yield from resolve(owner.alerts, "crowded")


def _raise(
    alerts: ActiveAlerts, active: ActiveAlert, key: AlertKey, found: Finding
) -> Sequence[AlertRaised | AlertResolved]:
    crowded = [*resolve(alerts, "crowded", keep=MAX_ACTIVE - 1)]
    alerts[key] = active
    (name, severity), subject = key
    raised = AlertRaised(alert=name, severity=severity, subject=subject, update=active.update, **found._asdict())
    return *crowded, raised


def _resolve(alerts: ActiveAlerts, key: AlertKey, clause: str) -> AlertResolved:
    active = alerts.pop(key)
    (name, severity), subject = key
    return AlertResolved(
        alert=name,
        severity=severity,
        subject=subject,
        group=active.scope.group,
        env=active.scope.env,
        episode=active.scope.episode,
        epoch=active.scope.epoch,
        update=active.update,
        observations=active.observations,
        clause=clause,
    )
