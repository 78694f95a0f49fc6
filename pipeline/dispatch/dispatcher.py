"""From one event to all that follows from it: operators first, then what they derive, in a fixed order.

The hub's thread uses it on a live run and the replay on a recorded one, so both compute the same.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reactivex import abc
from reactivex.disposable import CompositeDisposable

from nissa.events.event import Event
from nissa.events.kind import Payload
from nissa.events.taking import UnreadableValueError, taken
from nissa.pipeline.dispatch.event_stream import EventStream, OnFault

if TYPE_CHECKING:
    # Whoever holds a `Telemetry` need not load every operator.
    from nissa.operators.fold import Operator

__all__ = ["MAX_DERIVED", "Dispatcher"]

MAX_DERIVED = 10_000
"""Derived events of one cause beyond which operators are taken to feed each other for ever."""


class Dispatcher:
    """Runs operators and consumers over events, one at a time, on the caller's thread.

    A consumer that has `kinds` is given those only.
    """

    def __init__(
        self,
        operators: "Mapping[str, Operator]",
        consumers: Mapping[str, Callable[[Event[Any]], Any]],
        on_fault: OnFault,
    ) -> None:
        self.stream = EventStream(on_fault)
        self._on_fault = on_fault
        self._derived: deque[Payload] = deque()
        self._delivering = False
        for name, operator in operators.items():
            self._connect(name, operator)
        self.add(consumers)

    def add(self, consumers: Mapping[str, Callable[[Event[Any]], Any]]) -> abc.DisposableBase:
        """Let more consumers have what is delivered from now on, until what comes back is disposed."""
        added = CompositeDisposable()
        for name, consumer in consumers.items():
            self.stream.owner = name
            wanted = getattr(consumer, "kinds", None)
            added.add((self.stream.of(*wanted) if wanted else self.stream).subscribe(consumer))
        self.stream.owner = "subscriber"
        return added

    def deliver(self, event: Event[Payload]) -> None:
        """Publish an event, and then, one by one, what was derived from it and from that.

        Derived events wait in a queue instead of being published at once: a subscriber that published while it is
        called would reverse the order for the next ones, and a loop would recurse.
        """
        self._derived.clear()
        self._delivering = True
        self.stream.send(event)
        ordinal = 0
        while self._derived:
            ordinal += 1
            if ordinal > MAX_DERIVED:
                self._derived.clear()
                self._on_fault("dispatcher", RuntimeError(f"over {MAX_DERIVED} events derived from one"), event)
                return
            self.stream.send(Event(event.seq, event.time, event.scope, self._derived.popleft(), ordinal))

    def close(self) -> None:
        """End the stream."""
        self.stream.complete()

    def _connect(self, name: str, operator: "Operator") -> None:
        def derive(payload: Any) -> None:
            try:
                self._derived.append(taken(payload, doubt))
            except (UnreadableValueError, TypeError) as error:
                self._on_fault(name, error, None)

        def doubt(error: UnreadableValueError) -> None:
            self._on_fault(name, error, None)

        def begin_again(error: Exception) -> None:
            # An Rx chain ends with its first error. A Fold never gets here: it keeps its state.
            self._on_fault(name, error, None)
            if self._delivering:
                subscribe()

        def subscribe() -> None:
            self.stream.owner = name
            operator(self.stream).subscribe(derive, on_error=begin_again)

        subscribe()
