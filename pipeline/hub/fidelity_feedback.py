"""The way back to the trainer: what the operators decided becomes an attribute that its probes read."""

import time
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from nissa.events.event import Event
from nissa.events.kinds import FidelityChanged, OverheadGoverned
from nissa.events.vocabulary import Fidelity

__all__ = ["FidelityFollower", "HasFidelity"]


class HasFidelity(Protocol):
    """Whoever holds the fidelity that probes read, and in how many looks they take one."""

    fidelity: Fidelity
    one_in: int


class FidelityFollower:
    """A sink that sets the attributes, on the hub's own thread, and measures how long that took.

    The delay is that of the fidelity, from the emission of the event that made the difference, such as the batch that
    raised an alert. `clock` gives seconds since 1970.
    """

    inline = True
    kinds = (FidelityChanged, OverheadGoverned)

    def __init__(self, holder: HasFidelity, clock: Callable[[], float] = time.time) -> None:
        # Held by the hub's thread, which is to end where nobody else holds it.
        self._holder, self._clock = weakref.ref(holder), clock
        self.last: float | None = None
        """Seconds that the last change took; None before the first."""
        self.largest: float | None = None
        """The longest of all."""

    def __call__(self, event: Event[Any]) -> None:
        change = event.payload
        if isinstance(change, OverheadGoverned):
            if holder := self._holder():
                holder.one_in = change.one_in
            return
        if change.level == change.before:
            return
        if holder := self._holder():
            holder.fidelity = "dense" if change.level == "dense" else "normal"
        self.last = max(0.0, self._clock() - event.time)
        self.largest = max(self.last, self.largest or 0.0)
