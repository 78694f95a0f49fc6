"""What those who draw curves take of events: numbers of epochs, batches, updates and episodes, and scalars by name.

The step of a curve is how many of its kind came before in that environment, for scalars the trainer's own step. In a
run that is resumed it begins anew.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from nissa.events.event import Event, Scope
from nissa.events.kinds import (
    BatchCompleted,
    EpisodeEnded,
    EpochCompleted,
    PolicyUpdated,
    ScalarsLogged,
    ThroughputMeasured,
)

__all__ = ["Curves", "Point"]

_PREFIXES: dict[type, str] = {
    BatchCompleted: "batch",
    EpisodeEnded: "episode",
    EpochCompleted: "epoch",
    PolicyUpdated: "update",
    ThroughputMeasured: "throughput",
}
_NUMBERS = {"batch", "update"}
"""Fields that number their kind."""


class Point(NamedTuple):
    """What one event adds to curves."""

    place: str
    """Run, group and environment, as far as they are known."""
    subject: str
    """What the steps count: "batch", "episode", "epoch", "update", "throughput" or "scalars"."""
    step: int
    numbers: dict[str, float]
    """Values by the names of their curves."""


class Curves:
    """Counts the steps. An event that comes again, because it is tried again, has the step that it had."""

    kinds = (*_PREFIXES, ScalarsLogged)

    def __init__(self) -> None:
        self._told: Counter[tuple[str, type]] = Counter()
        self._last: tuple[Event[Any], Point] | None = None

    def point(self, event: Event[Any]) -> Point:
        """What an event adds."""
        if self._last is None or self._last[0] is not event:
            self._last = event, self._next(event)
        return self._last[1]

    def _next(self, event: Event[Any]) -> Point:
        place, payload = _place(event.scope), event.payload
        step = self._told[place, type(payload)]
        self._told[place, type(payload)] += 1
        if not isinstance(payload, ScalarsLogged):
            prefix = _PREFIXES[type(payload)]
            return Point(place, prefix, step, dict(_numbers(prefix, payload)))
        return Point(place, "scalars", step if payload.step is None else payload.step, dict(payload.values))


def _place(scope: Scope) -> str:
    """
    >>> _place(Scope("a/b", "ppo", 3)), _place(Scope("a/b"))
    ('a/b ppo env3', 'a/b')
    """
    env = None if scope.env is None else f"env{scope.env}"
    return " ".join(part for part in (scope.run, scope.group, env) if part)


def _numbers(prefix: str, payload: Any) -> Iterator[tuple[str, float]]:
    """Names and values: fields that are numbers, and those of mappings."""
    for field in fields(payload):
        value = getattr(payload, field.name)
        items = value.items() if isinstance(value, Mapping) else [(None, value)]
        for name, item in items:
            if isinstance(item, int | float) and not isinstance(item, bool) and field.name not in _NUMBERS:
                yield f"{prefix}/{field.name}" + ("" if name is None else f"/{name}"), float(item)
