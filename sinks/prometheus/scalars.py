"""The last value of each scalar, by name and environment, as many as a scrape has room for.

Names are the trainer's own, and nobody keeps it from making one up for each step.

>>> from nissa.events.event import Event, Scope
>>> from nissa.events.kinds import ScalarsLogged
>>> scalars = Scalars()
>>> scalars.note(("my-run", "", "0"), Event(0, 0.0, Scope("my-run", env=0), ScalarsLogged(values={"lr": 3e-4})))
0
>>> scalars.copy()
{('my-run', '', '0', 'lr'): 0.0003}
"""

import logging

from nissa.events.event import Event
from nissa.events.kinds import ScalarsLogged
from nissa.sinks.printable import printable
from nissa.sinks.prometheus.metric import Labels

__all__ = ["MAX_SCALARS", "Scalars"]

MAX_SCALARS = 1_000
"""Scalars, over all environments; values of further names are left out, and counted."""

_log = logging.getLogger("nissa")


class Scalars:
    """The caller sees to it that one thread is here at a time."""

    def __init__(self) -> None:
        self._values: dict[Labels, float] = {}
        self._told: set[str] = set()

    def note(self, at: Labels, event: Event[ScalarsLogged]) -> int:
        """Take values in; how many of them there was no room for, which is told once a run."""
        left_out = ""
        refused = 0
        for name, value in event.payload.values.items():
            if (labels := (*at, name)) in self._values or len(self._values) < MAX_SCALARS:
                self._values[labels] = value
            else:
                refused, left_out = refused + 1, name
        if refused and at[0] not in self._told:
            self._told.add(at[0])
            _log.warning(_FULL, printable(at[0]), MAX_SCALARS, printable(left_out))
        return refused

    def copy(self) -> dict[Labels, float]:
        """As they stand now, for another thread to read."""
        return self._values.copy()

    def forget(self, run: str) -> None:
        """Give back what belongs to a run."""
        self._values = {labels: value for labels, value in self._values.items() if labels[0] != run}
        self._told.discard(run)


_FULL = "run %s: /metrics has room for %d scalars, and leaves out %s and whatever else is new; the log has them all"
