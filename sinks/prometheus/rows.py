"""Rows: what an event says, part by part, each with the labels that the part has.

An event is handed in with the values of run, group and env, as many of them as the table has labels for; labels of
the parts are added to those.

>>> from nissa.events.kinds import PhaseTimed
>>> from nissa.events.event import Event, Scope
>>> phases = Event(0, 0.0, Scope("r"), PhaseTimed(durations={"epoch": 2.5, "ppo": 0.5}))
>>> each("durations")(("r",), phases)
[(('r', 'epoch'), 2.5), (('r', 'ppo'), 0.5)]
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import RunStarted
from nissa.sinks.prometheus.label_text import label_text
from nissa.sinks.prometheus.metric import Labels

__all__ = ["Row", "Rows", "by", "each", "listed", "named", "place_of", "strings", "whole", "whole_payload"]

Row = tuple[Labels, Any]
"""Values of all labels, and what they are about: the payload, or a part of it."""

Rows = Callable[[Labels, Any], Sequence[Row]]
"""From the values of run, group and env, and an event or what else is known, to what it says."""


def whole(at: Labels, source: Any) -> Sequence[Row]:
    """One row: the event itself, for what stands beside its payload."""
    return ((at, source),)


def whole_payload(at: Labels, event: Event[Any]) -> Sequence[Row]:
    """One row: the payload, as most metrics have it."""
    return ((at, event.payload),)


def by(*labels: str | Callable[[Any], str]) -> Rows:
    """One row: the payload, labelled by some of its fields, or by what is worked out of it."""
    reads = [attrgetter(label) if isinstance(label, str) else label for label in labels]

    def rows(at: Labels, event: Event[Any]) -> Sequence[Row]:
        return (((*at, *[read(event.payload) for read in reads]), event.payload),)

    return rows


def each(field: str) -> Rows:
    """A row for each item of a mapping, labelled by its key."""
    read = attrgetter(field)

    def rows(at: Labels, event: Event[Any]) -> Sequence[Row]:
        return [((*at, key), part) for key, part in (read(event.payload) or {}).items()]

    return rows


def listed(values: Iterable[str]) -> Rows:
    """A row for each of some values of a label, whatever the event."""

    def rows(at: Labels, _: Event[Any]) -> Sequence[Row]:
        return [((*at, value), None) for value in values]

    return rows


def named(setting: str) -> Rows:
    """A row for each name that the trainer lists in a setting of the run."""

    def rows(at: Labels, event: Event[RunStarted]) -> Sequence[Row]:
        return [((*at, name), None) for name in strings(event.payload.hyperparameters.get(setting))]

    return rows


def strings(setting: object) -> list[str]:
    """The names that a setting of the trainer lists; none where it is no list."""
    return [name for name in setting if isinstance(name, str)] if isinstance(setting, list | tuple | dict) else []


def place_of(run: str, part: Any) -> Labels:
    """Values of run, group and env where a part says itself which environment it is about."""
    return run, part.group or "", "" if part.env is None else label_text(part.env)
