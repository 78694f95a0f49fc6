"""The common ground of operators: their type, selection by kind, and the fold that makes one of a pure step.

An operator takes an Observable of events and returns an Observable of derived payloads. State is born when somebody
subscribes, so two subscriptions share nothing.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import reactivex
from reactivex import Observable, abc
from reactivex import operators as ops

from nissa.events.event import Env, Event
from nissa.events.kind import Payload

__all__ = ["EnvKey", "Fold", "Keyed", "Operator", "Routed", "merge_disjoint", "only"]

P = TypeVar("P", bound=Payload)
S = TypeVar("S")
V = TypeVar("V")

EnvKey = tuple[str, str | None, Env | None]
"""Run, group and environment."""

Operator = Callable[[Observable[Event[Payload]]], Observable[Payload]]


@runtime_checkable
class Routed(Protocol):
    """A source that knows who wants which kind, so that nobody filters what was not meant for it."""

    def of(self, *kinds: type[Payload]) -> Observable[Any]:
        """The events of these kinds."""


def only(*kinds: type[P]) -> Callable[[Observable[Event[Payload]]], Observable[Event[P]]]:
    """Events of these kinds, typed as such.

    >>> from nissa.events.kinds import SeedCulled, SeedGerminated
    >>> seen = []
    >>> _ = reactivex.empty().pipe(only(SeedGerminated, SeedCulled)).subscribe(seen.append)
    """

    def select(source: Observable[Event[Payload]]) -> Observable[Event[P]]:
        if isinstance(source, Routed):
            return source.of(*kinds)
        wanted: Observable[Any] = source.pipe(ops.filter(meant))
        return wanted

    def meant(event: Event[Payload]) -> bool:
        return isinstance(event.payload, kinds)

    return select


@dataclass(frozen=True, slots=True)
class Fold(Generic[S]):
    """An operator made of a pure step on explicit state, which runs alike live, in a replay and in another engine.

    The step may change the state in place. It knows no clock but the events' times, no randomness and no I/O.
    """

    name: str
    """Name in metrics and messages."""
    kinds: tuple[type[Payload], ...]
    """What it listens to."""
    init: Callable[[], S]
    """Makes the state of one subscription."""
    step: Callable[[S, Event[Any]], Iterable[Payload]]
    """Takes one event in and yields what it derives."""
    merge: Callable[[S, S], S] | None = None
    """For reducers: the state of two disjoint parts of a stream, each environment whole in one of them."""

    def __call__(self, source: Observable[Event[Payload]]) -> Observable[Payload]:
        def subscribe(
            observer: abc.ObserverBase[Payload], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            state, step = self.init(), self.step

            def on_next(event: Event[Payload]) -> None:
                for payload in step(state, event):
                    observer.on_next(payload)

            events = only(*self.kinds)(source)
            return events.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

        return reactivex.create(subscribe)


class Keyed(Generic[V]):
    """Values by key, made when first asked for; of too many, the one used longest ago is given back."""

    def __init__(self, make: Callable[[], V], limit: int = 10_000) -> None:
        self._make, self.limit = make, limit
        self.items: OrderedDict[Any, V] = OrderedDict()

    def __getitem__(self, key: Any) -> V:
        items = self.items
        try:
            items.move_to_end(key)
        except KeyError:
            self[key] = self._make()
        return items[key]

    def __setitem__(self, key: Any, value: V) -> None:
        self.items[key] = value
        if len(self.items) > self.limit:
            self.items.popitem(last=False)

    def like(self) -> "Keyed[V]":
        """An empty table of the same make."""
        return Keyed(self._make, self.limit)


def merge_disjoint(left: Keyed[V], right: Keyed[V]) -> Keyed[V]:
    """Two tables as one, where no key is in both: the `merge` of states that are kept whole by environment."""
    merged = left.like()
    merged.items.update(left.items)
    merged.items.update(right.items)
    return merged
