"""The stream: a hot Observable with a single writer, routed once by kind, with a guard around each subscriber.

Rx's own Subject takes a lock for each event, throws a subscriber's error at the writer and lets later subscribers
miss the event; this one does none of that. Only the thread that calls `send` may touch it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from nissa.events.event import Event
from nissa.events.kind import Payload

__all__ = ["EventStream", "OnFault"]

Handler = Callable[[Event[Any]], Any]
OnFault = Callable[[str, BaseException, Event[Any] | None], None]


class _Subscriber(NamedTuple):
    owner: str
    kinds: tuple[type[Payload], ...] | None
    on_next: Handler
    on_completed: Callable[[], None]


class _Selection(Observable[Event[Any]]):
    """The events of some kinds, or of all."""

    def __init__(self, stream: "EventStream", kinds: tuple[type[Payload], ...] | None) -> None:
        super().__init__()
        self._stream, self._kinds = stream, kinds

    def subscribe(
        self,
        on_next: abc.ObserverBase[Event[Any]] | Handler | None = None,
        on_error: Callable[[Exception], None] | None = None,  # noqa: ARG002
        on_completed: Callable[[], None] | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,  # noqa: ARG002
    ) -> abc.DisposableBase:
        """As Rx's, but without its wrapper, which would unsubscribe whoever raises once. No error ever comes."""
        if isinstance(on_next, abc.ObserverBase):
            return self._stream.attach(self._kinds, on_next.on_next, on_next.on_completed)
        # Not `or`: a sink that is a collection may be empty, and so false.
        handler = _ignore if on_next is None else on_next
        return self._stream.attach(self._kinds, handler, _ignore if on_completed is None else on_completed)


class EventStream(_Selection):
    """Events in the order of delivery. `of` gives those of some kinds only, at no cost to the others."""

    def __init__(self, on_fault: OnFault) -> None:
        super().__init__(self, None)
        self.owner = "subscriber"
        """Who subscribes now: the name under which its faults are counted."""
        self._on_fault = on_fault
        self._subscribers: tuple[_Subscriber, ...] = ()
        self._routes: dict[type[Payload], tuple[_Subscriber, ...]] = {}

    def of(self, *kinds: type[Payload]) -> Observable[Event[Any]]:
        """The events of these kinds."""
        return _Selection(self, kinds)

    def send(self, event: Event[Payload]) -> None:
        """Hand an event to those who asked for its kind, in the order in which they subscribed."""
        kind = type(event.payload)
        if (route := self._routes.get(kind)) is None:
            route = self._routes[kind] = tuple(s for s in self._subscribers if s.kinds is None or kind in s.kinds)
        for owner, _, on_next, _ in route:
            try:
                on_next(event)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  # what a subscriber does wrong stays with it, sys.exit too
                self._on_fault(owner, error, event)

    def complete(self) -> None:
        """End the stream for all who listen."""
        for subscriber in self._subscribers:
            try:
                subscriber.on_completed()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  # as above
                self._on_fault(subscriber.owner, error, None)

    def attach(
        self, kinds: tuple[type[Payload], ...] | None, on_next: Handler, on_completed: Callable[[], None]
    ) -> abc.DisposableBase:
        """Add a subscriber; disposing what comes back removes it."""
        subscriber = _Subscriber(self.owner, kinds, on_next, on_completed)
        self._set((*self._subscribers, subscriber))
        return Disposable(lambda: self._set(tuple(s for s in self._subscribers if s is not subscriber)))

    def _set(self, subscribers: tuple[_Subscriber, ...]) -> None:
        self._subscribers, self._routes = subscribers, {}


def _ignore(*_: object) -> None:
    pass
