"""How long does an alert stand? Raised once, held while its rule keeps firing, resolved once, whatever happens.

>>> standing = {}
>>> found = AlertRaised(alert="loss_spike", severity="warning", clause="jump", what="2.0, usually 1.0")
>>> [len(follow(standing, Scope("run"), of(found), rule, calm=2)) for rule in (found, found, None, None)]
[1, 0, 0, 1]
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from nissa.events.event import Scope
from nissa.events.kinds import AlertRaised, AlertResolved
from nissa.operators.fold import Keyed

__all__ = ["MAX_STANDING", "Alerts", "Key", "Standing", "Watched", "end_run", "follow", "make_room", "of", "resolve"]

Key = tuple[str, str | None, str]
"""Name, subject and severity."""

MAX_STANDING = 256
"""Alerts of one environment that may stand at a time; one more, and the oldest is resolved as crowded out."""


@dataclass(slots=True)
class Standing:
    """An alert that was raised and not resolved yet."""

    scope: Scope
    observations: int = 0
    calm: int = 0


Alerts = dict[Key, Standing]


class Watched(Protocol):
    """What may have alerts: an environment, or a policy."""

    alerts: Alerts


W = TypeVar("W", bound=Watched)


def of(raised: AlertRaised) -> Key:
    """What tells an alert from others of its environment."""
    return raised.alert, raised.subject, raised.severity


def follow(
    alerts: Alerts, scope: Scope, key: Key, found: AlertRaised | None, calm: int
) -> Sequence[AlertRaised | AlertResolved]:
    """Take one observation in: what the rule found, or None; `calm` of those in a row resolve the alert."""
    standing = alerts.get(key)
    if standing is None:
        return () if found is None else _raise(alerts, scope, key, found)
    standing.observations += 1
    standing.calm = 0 if found is not None else standing.calm + 1
    return (_resolved(alerts, key, "recovered"),) if standing.calm >= calm else ()


def resolve(
    alerts: Alerts, clause: str, meant: Callable[[Key], bool] | None = None, keep: int = 0
) -> Iterator[AlertResolved]:
    """End the alerts that are meant, all unless told otherwise, the oldest first, but for the last `keep`."""
    keys = [key for key in alerts if meant is None or meant(key)]
    for key in keys[: max(0, len(keys) - keep)]:
        yield _resolved(alerts, key, clause)


def end_run(places: Keyed[W], run: str) -> Iterator[AlertResolved]:
    """End whatever stands anywhere in a run, whose name is the first part of the keys, and give its places back."""
    for key in [key for key in places.items if key[0] == run]:
        yield from resolve(places.items.pop(key).alerts, "run_ended")


def make_room(places: Keyed[W], key: Any) -> Iterator[AlertResolved]:
    """Give places back until there is one for `key`, whose first part is the name of its run.

    What stands in them is resolved as crowded out. A run that died long ago is not told of.
    """
    while key not in places.items and len(places.items) >= places.limit:
        gone, place = places.items.popitem(last=False)
        if gone[0] == key[0]:
            yield from resolve(place.alerts, "crowded")


def _raise(alerts: Alerts, scope: Scope, key: Key, found: AlertRaised) -> list[AlertRaised | AlertResolved]:
    told: list[AlertRaised | AlertResolved] = [*resolve(alerts, "crowded", keep=MAX_STANDING - 1), found]
    alerts[key] = Standing(scope)
    return told


def _resolved(alerts: Alerts, key: Key, clause: str) -> AlertResolved:
    standing = alerts.pop(key)
    alert, subject, severity = key
    return AlertResolved(
        alert=alert,
        severity=severity,
        subject=subject,
        group=standing.scope.group,
        env=standing.scope.env,
        episode=standing.scope.episode,
        epoch=standing.scope.epoch,
        observations=standing.observations,
        clause=clause,
    )
