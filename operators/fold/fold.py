"""The common ground of operators: their type, selection by kind, and the fold that makes one of a pure step.

An operator takes an Observable of events and returns an Observable of derived payloads. State is born when somebody
subscribes, so two subscriptions share nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import reactivex
from reactivex import Observable, abc
from reactivex import operators as ops

from nissa.events.event import Env, Event
from nissa.events.kind import Payload
from nissa.operators.fold.keyed import Keyed
from nissa.operators.fold.plain_state import UnreadableStateError, plain_state, state_of

__all__ = ["EnvKey", "Fold", "Operator", "Routed", "only"]

P = TypeVar("P", bound=Payload)
S = TypeVar("S")

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
    version: int = 1
    """Of the state: one more when the same state means something else. What it consists of is told anyway."""

    def dump(self, state: S) -> dict[str, Any]:
        """A state as plain data, as JSON holds it: what `load` makes of it goes on alike. It is the same for equal
        states. Raises TypeError on a state with something in it that has no plain form, as a function."""
        forms, plain = plain_state(state)
        return {"fold": self.name, "version": self.version, "forms": forms, "state": plain}

    def load(self, plain: Any) -> S:
        """The state that was dumped, on its own. Raises UnreadableStateError where it is of another fold or version,
        or is none; then the log has to be folded anew."""
        dumped = plain if isinstance(plain, Mapping) else {}
        fold, version = dumped.get("fold"), dumped.get("version")
        if (fold, version) != (self.name, self.version):
            is_of = f"the dumped state is of {fold!r} in version {version!r}"
            raise UnreadableStateError(f"{is_of}, and this is {self.name!r} in version {self.version}")
        fresh = self.init()
        first = fresh.make() if isinstance(fresh, Keyed) else fresh
        own = {part.__module__ for part in (type(first), *self.kinds)}
        state: S = state_of(dumped.get("forms", ()), dumped.get("state"), fresh, own)
        if type(state) is not type(fresh):
            raise UnreadableStateError(f"{state!r} is no state of {self.name!r}")
        return state

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
