"""A recorded run through the same operators: what it computes equals what was computed live, to the last digit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nissa.events.codec import encode
from nissa.events.event import Event
from nissa.events.kinds import KINDS
from nissa.operators import Operator, default_operators
from nissa.pipeline.dispatch import Dispatcher, FaultLog
from nissa.pipeline.sources import Reading, read_log
from nissa.sinks.tables import Tables

__all__ = ["COMPUTED", "Replay", "replay"]

_REMEMBERED = 10_000
"""Causes whose derived events wait for their recorded likes, which come soon, or never did."""

COMPUTED = frozenset(kind for kind in KINDS.values() if kind.derived and kind.__module__.startswith("nissa.events."))
"""Kinds that built-in operators derive. Another one is of an operator of the trainer's own, and nobody's loss here."""

_Waiting = dict[tuple[str, int], list[Event[Any]]]
"""What was computed and not found in the log yet, by run and cause."""


@dataclass(slots=True)
class Replay:
    """What came of a replay."""

    reading: Reading = field(default_factory=Reading)
    """What was found in the log."""
    tables: Tables = field(default_factory=Tables)
    """The summaries, computed anew."""
    faults: FaultLog = field(default_factory=FaultLog)
    """Errors in operators and consumers."""
    run: str | None = None
    """Name of the run; of several, the last."""
    compared: int = 0
    """Derived events in the log that were computed again."""
    different: int = 0
    """Those among them that came out differently."""
    only_recorded: int = 0
    """Derived events in the log that were not computed again, of kinds that built-in operators derive."""
    only_computed: int = 0
    """The reverse; 0 where the log has no derived events at all, as another system's has none."""

    def summary(self) -> dict[str, Any]:
        """The document of `nissa replay --json`."""
        derived = ("different", "only_recorded", "only_computed")
        events = self.reading.summary() | {f"derived_{name}": getattr(self, name) for name in derived}
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
    computed: _Waiting = {}

    def remember(event: Event[Any]) -> None:
        if type(event.payload) in COMPUTED and event.ordinal:
            computed.setdefault((event.scope.run, event.seq), []).append(event)
            if len(computed) > _REMEMBERED:
                result.only_computed += len(computed.pop(next(iter(computed))))

    named = {f"consumer {n}": consumer for n, consumer in enumerate(consumers, start=1)}
    dispatcher = Dispatcher(
        default_operators() if operators is None else operators,
        {"replay": remember, "tables": result.tables, **named},
        result.faults.report,
    )
    for event in read_log(path, result.reading):
        if event.ordinal:
            _compare(result, event, computed)
        else:
            result.run = event.scope.run
            dispatcher.deliver(event)
    dispatcher.close()
    result.only_computed += sum(map(len, computed.values()))
    if not result.reading.derived:
        result.only_computed = 0
    return result


def _compare(result: Replay, recorded: Event[Any], computed: _Waiting) -> None:
    """Find the like of a recorded event: the same, or else the first of its kind, under whatever number.

    What an operator of the trainer's own derived is not computed here, and shifts the numbers of what came after it.
    """
    if type(recorded.payload) not in COMPUTED:
        return
    cause = recorded.scope.run, recorded.seq
    line, waiting = _line(recorded), computed.get(cause, [])
    alike = [event for event in waiting if type(event.payload) is type(recorded.payload)]
    if not alike:
        result.only_recorded += 1
        return
    again = next((event for event in alike if _line(event) == line), None)
    result.compared += 1
    result.different += again is None
    waiting.remove(again or alike[0])
    if not waiting:
        del computed[cause]


def _line(event: Event[Any]) -> bytes:
    return encode(replace(event, ordinal=0))
