"""Is a number what its field declares? If not, somebody is told, once a run and field; nothing is altered.

A value out of its range raises the alert, such as an accuracy of 950% or a negative norm; so does an accuracy that
seems to be a fraction. What is broken is not implausible: NaN and infinities have an alert of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from nissa.events.event import Event, Scope
from nissa.events.kind import Payload
from nissa.events.kinds import KINDS, Heartbeat, RunEnded
from nissa.events.vocabulary import IMPLAUSIBLE_VALUE
from nissa.operators.alerts import ActiveAlerts, AlertEvents, Finding, resolve, update_alert
from nissa.operators.fold import Fold, Keyed
from nissa.operators.plausibility.percent import Course, pairs_of
from nissa.operators.plausibility.ranges import Range, check_of

__all__ = ["RunDoubts", "implausible_values"]

_GROUPS = 1_000
"""Groups of a run whose accuracies are followed until it is known what they are."""
_CHECKS = {
    kind: check
    for kind in KINDS.values()
    # A heartbeat holds the pipeline's own numbers.
    if not kind.derived and kind is not Heartbeat and (check := check_of(kind))
}
_PAIRS = {kind: pairs for kind in _CHECKS if (pairs := tuple(pairs_of(kind)))}
_Courses = dict[str, Course]
"""By the field of the accuracy."""
_ALL: _Courses = {"any": Course()}
"""Of a group that was not heard of yet, nothing is known."""


@dataclass(slots=True)
class RunDoubts:
    """What was told of a run, and which of its accuracies are not yet known to be percent."""

    told: set[str] = field(default_factory=set)
    alerts: ActiveAlerts = field(default_factory=dict)
    unknown: dict[tuple[str | None, type[Payload]], _Courses] = field(default_factory=dict)
    """By group and kind of event; empty once all is known."""


def implausible_values() -> Fold[Keyed[RunDoubts]]:
    """Alert "implausible_value", at the first value of each field that is not what its field declares."""
    return Fold("implausible_values", (*_CHECKS, RunEnded), lambda: Keyed(RunDoubts), _step)


def _step(state: Keyed[RunDoubts], event: Event[Any]) -> AlertEvents:
    kind, run = type(event.payload), state[event.scope.run]
    doubts, pairs = _CHECKS[kind](event.payload), _PAIRS.get(kind)
    unknown = pairs and run.unknown.get((event.scope.group, kind), _ALL)
    # Nearly always there is nothing to tell, and nothing to find out any more.
    if not doubts and not unknown and kind is not RunEnded:
        return ()
    events = [*_out_of_range(run, event, doubts), *(_fractions(run, event) if unknown else ())]
    if kind is RunEnded:
        del state.items[event.scope.run]
        events += resolve(run.alerts, "run_ended")
    return events


def _out_of_range(run: RunDoubts, event: Event[Any], doubts: Sequence[tuple[Range, Any]]) -> AlertEvents:
    for declared, value in doubts:
        name = f"{event.payload.kind}.{declared.field}"
        if name not in run.told and isfinite(number := _float(value)):
            clause, limit = ("above", declared.high) if number > declared.high else ("below", declared.low)
            what = f"{name} is {number:g}, but it is declared as {declared}; it is carried as it is"
            yield from _tell(run, event.scope, name, Finding(what, number, clause, threshold=limit, window=1))


def _fractions(run: RunDoubts, event: Event[Any]) -> AlertEvents:
    """Follow accuracies until it is known what they are."""
    payload, kind = event.payload, type(event.payload)
    courses = _courses(run, (event.scope.group, kind))
    for accuracy, loss in _PAIRS[kind]:
        if (course := courses.get(accuracy)) is None:
            continue
        course.take(getattr(payload, accuracy), getattr(payload, loss))
        if course.fraction:
            yield from _told_as_fraction(run, event.scope, f"{payload.kind}.{accuracy}", course)
        if course.fraction or course.settled:
            del courses[accuracy]


def _courses(run: RunDoubts, key: tuple[str | None, type[Payload]]) -> _Courses:
    if key not in run.unknown and len(run.unknown) < _GROUPS * len(_PAIRS):
        run.unknown[key] = {accuracy: Course() for accuracy, _ in _PAIRS[key[1]]}
    return run.unknown.get(key, {})


def _told_as_fraction(run: RunDoubts, scope: Scope, name: str, course: Course) -> AlertEvents:
    fell = f"while the loss fell from {course.first:.4g} to {course.lowest:.4g}"
    seen = f"{name} never passed {course.highest:.4g} in {course.count} observations"
    what = f"{seen} {fell}: it seems to be a fraction, and percent from 0 to 100 is meant; it is carried as it is"
    return _tell(run, scope, name, Finding(what, course.highest, "fraction", threshold=1.0, window=course.count))


def _tell(run: RunDoubts, scope: Scope, name: str, found: Finding) -> AlertEvents:
    if name in run.told:
        return ()
    run.told.add(name)
    return update_alert(run.alerts, scope, (IMPLAUSIBLE_VALUE, name), found, calm=1)


def _float(value: Any) -> float:
    """A value as an alert can tell it; of a whole number that no float holds, the largest float."""
    try:
        return float(value)
    except OverflowError:
        return 1.7e308 if value > 0 else -1.7e308
