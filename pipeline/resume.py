"""How does a run go on in its directory? Operators and tables take in what is there, and numbers go on behind it."""

from collections.abc import Callable, Iterator, Mapping
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

    def note(self, event: Event[FidelityChanged | OverheadGoverned]) -> None:
        """Take a change of what probes look at in."""
        if isinstance(event.payload, OverheadGoverned):
            self.one_in = event.payload.one_in
            return
        self.fidelity = "dense" if event.payload.level == "dense" else "normal"


def run_in(directory: Path) -> str | None:
    """The name of the run in a directory, from its first event; None where no line is one."""
    return next((event.scope.run for event in _events(directory, Reading())), None)


def catch_up(
    log: RunLog, run: str, dispatcher: Dispatcher, consumers: Mapping[str, Callable[[Event[Any]], Any]]
) -> Resumed | None:
    """Have operators and `consumers` take in what a log holds of a run that goes on; None where the run begins.

    What follows from it is derived again, and the log is told where it goes on.
    """
    if log.torn is None:
        return None
    found, reading = Resumed(torn=log.torn), Reading()
    fidelity = dispatcher.stream.of(FidelityChanged, OverheadGoverned).subscribe(found.note)
    with dispatcher.add(consumers), fidelity:
        for event in _events(log.directory, reading):
            if event.scope.run == run:
                found.next_seq = max(found.next_seq, event.seq + 1)
                dispatcher.deliver(event)
    found.lost = reading.dropped
    log.go_on(found.next_seq, found.lost)
    return found


def _events(directory: Path, reading: Reading) -> Iterator[Event[Any]]:
    """What was emitted; nothing where there is no run, which begins then."""
    with suppress(UnreadableRunError):
        yield from (event for event in read_log(directory, reading) if not event.ordinal)
