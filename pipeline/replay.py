"""A recorded run through the same operators: what it computes equals what was computed live, to the last digit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nissa.events.codec import encode
from nissa.events.scope import Event
from nissa.operators.stream import Operator
from nissa.pipeline.dispatcher import Dispatcher
from nissa.pipeline.faults import Faults
from nissa.pipeline.sources.log import Reading, read_log
from nissa.pipeline.telemetry import default_operators
from nissa.sinks.tables import Tables

__all__ = ["Replay", "replay"]

_REMEMBERED = 10_000
"""Derived events that wait for their recorded likes, which come soon, or never did."""


@dataclass(slots=True)
class Replay:
    """What came of a replay."""

    reading: Reading = field(default_factory=Reading)
    """What was found in the log."""
    tables: Tables = field(default_factory=Tables)
    """The summaries, computed anew."""
    faults: Faults = field(default_factory=Faults)
    """Errors in operators and consumers."""
    run: str | None = None
    """Name of the run; of several, the last."""
    compared: int = 0
    """Derived events in the log that were computed again."""
    different: int = 0
    """Those among them that came out differently."""

    def summary(self) -> dict[str, Any]:
        """The document of `nissa replay --json`."""
        events = self.reading.summary() | {"derived_different": self.different}
        return {"run": self.run, "events": events, **self.tables.snapshot()}


def replay(
    path: Path,
    consumers: Iterable[Callable[[Event[Any]], Any]] = (),
    operators: Mapping[str, Operator] | None = None,
) -> Replay:
    """Send a recorded run through operators and consumers, on this thread.

    Derived events in the log are not used: they are computed again, and compared. Raises UnreadableRunError.
    """
    result = Replay()
    computed: dict[tuple[str, int, int], Event[Any]] = {}

    def remember(event: Event[Any]) -> None:
        if event.ordinal:
            computed[event.scope.run, event.seq, event.ordinal] = event
        elif len(computed) > _REMEMBERED:
            computed.clear()

    named = {f"consumer {n}": consumer for n, consumer in enumerate(consumers, start=1)}
    dispatcher = Dispatcher(
        default_operators() if operators is None else operators,
        {"replay": remember, "tables": result.tables, **named},
        result.faults.report,
    )
    for event in read_log(path, result.reading):
        if event.ordinal:
            _compare(result, event, computed.pop((event.scope.run, event.seq, event.ordinal), None))
        else:
            result.run = event.scope.run
            dispatcher.deliver(event)
    dispatcher.close()
    return result


def _compare(result: Replay, recorded: Event[Any], again: Event[Any] | None) -> None:
    """What an operator of the trainer's own derived is not computed here, and so not compared."""
    if again is not None:
        result.compared += 1
        result.different += encode(again) != encode(recorded)
