"""How does a run go on in its directory? Operators and tables take in what is there, and numbers go on behind it."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.events.kinds import FidelityChanged, OverheadGoverned
from nissa.events.vocabulary import Fidelity
from nissa.pipeline.dispatch import Dispatcher
from nissa.pipeline.sources import Reading, UnreadableRunError, read_log
from nissa.sinks.run_log import RunLog

__all__ = ["Resumed", "catch_up", "run_in"]


@dataclass(slots=True)
class Resumed:
    """Where a run stood when its last process ended."""

    next_seq: int = 0
    """The number of the next event."""
    lost: int = 0
    """Events that never reached the log."""
    fidelity: Fidelity = "normal"
    """How closely probes were to look."""
    torn: int = 0
    """Bytes of a torn last line that were cut off."""

    one_in: int = 1
    """Of so many looks that were due, probes took one."""
    unwritten: Sequence[Event[Any]] = ()
    """What the log is owed: a process that is killed may have written an event, and not what followed from it."""

    def note(self, event: Event[FidelityChanged | OverheadGoverned]) -> None:
        """Take a change of what probes look at in."""
        if isinstance(event.payload, OverheadGoverned):
            self.one_in = event.payload.one_in
            return
        self.fidelity = "dense" if event.payload.level == "dense" else "normal"


def run_in(directory: Path) -> str | None:
    """The name of the run in a directory, from its first event; None where no line is one."""
    told = (event.scope.run for event in _events(directory, Reading()) if not event.ordinal)
    return next(told, None)


def catch_up(
    log: RunLog, run: str, dispatcher: Dispatcher, consumers: Mapping[str, Callable[[Event[Any]], Any]]
) -> Resumed | None:
    """Have operators and `consumers` take in what a log holds of a run that goes on; None where the run begins.

    What follows from it is derived again, and the log is told where it goes on.
    """
    if log.torn is None:
        return None
    found, reading, unwritten = Resumed(torn=log.torn), Reading(), _Unwritten()
    fidelity = dispatcher.stream.of(FidelityChanged, OverheadGoverned).subscribe(found.note)
    with dispatcher.add({**consumers, "resume": unwritten.derived}), fidelity:
        for event in _events(log.directory, reading):
            if event.scope.run == run and event.ordinal:
                unwritten.recorded(event)
            elif event.scope.run == run:
                found.next_seq = max(found.next_seq, event.seq + 1)
                dispatcher.deliver(event)
    found.lost = reading.dropped
    found.unwritten = unwritten.events
    log.go_on(found.next_seq, found.lost)
    return found


class _Unwritten:
    """What was derived behind the last derived event that a log has."""

    def __init__(self) -> None:
        self.events: deque[Event[Any]] = deque()

    def derived(self, event: Event[Any]) -> None:
        if event.ordinal:
            self.events.append(event)

    def recorded(self, event: Event[Any]) -> None:
        while self.events and (self.events[0].seq, self.events[0].ordinal) <= (event.seq, event.ordinal):
            self.events.popleft()


def _events(directory: Path, reading: Reading) -> Iterator[Event[Any]]:
    """Nothing where there is no run, which begins then."""
    with suppress(UnreadableRunError):
        yield from read_log(directory, reading)
