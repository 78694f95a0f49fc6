"""What of an event must come out the same? Every value in it, but for what tells of clock, memory, process and path.

>>> from nissa.events.event import Scope
>>> from nissa.events.kinds import BatchCompleted
>>> dict(leaves(Event(0, 0.0, Scope("run"), BatchCompleted(batch=3, loss=0.5, seed_grad_norms={"mid": 0.1}))))["loss"]
0.5
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from nissa.events.codec import Unknown
from nissa.events.event import Event
from nissa.events.kinds import (
    KINDS,
    EventsDropped,
    Heartbeat,
    HostBaselineMeasured,
    Payload,
    RanksCompared,
    RunEnded,
    RunResumed,
    RunStarted,
    StepTimed,
    ThroughputMeasured,
)
from nissa.events.quantities import quantities

__all__ = ["comparable", "leaves", "not_compared"]

_UNITS = {"seconds": "a time by the clock", "bytes": "memory, or a size of files"}
"""Units of quantities that no seed makes."""
_KINDS: Mapping[type[Payload], str] = {
    Heartbeat: "the pipeline's account of itself, every few seconds",
    EventsDropped: "the pipeline's account of itself",
    ThroughputMeasured: "how fast the machine was",
    StepTimed: "how fast the machine was",
    RanksCompared: "how fast the machines of a job were",
    RunResumed: "a run that was resumed is refused",
}
_FIELDS: Mapping[tuple[type[Any], str], str] = {
    **{(RunStarted, name): "looked at before the training" for name in ("git_commit", "versions", "numerics")},
    (RunStarted, "hardware"): "told before the training where it differs",
    (HostBaselineMeasured, "initial_checkpoint"): "a path",
    (RunEnded, "cost"): "a time by the clock",
}


@cache
def _left_out() -> dict[tuple[type[Any], str], str]:
    timed = {(owner, row.name): _UNITS[row.unit] for row in quantities() if row.unit in _UNITS for owner in row.owners}
    return timed | dict(_FIELDS)


def not_compared() -> dict[str, str]:
    """Why it is not compared, by kind, or kind.field. A kind that keeps no field is compared in its place alone."""
    whole = {kind.kind: why for kind, why in _KINDS.items()}
    single = {
        f"{kind.kind}.{name}": why
        for (kind, name), why in _left_out().items()
        if kind in KINDS.values() and kind.kind not in whole
    }
    return dict(sorted((whole | single).items()))


def comparable(events: Iterable[Event[Any]], until: tuple[int, int] | None = None) -> Iterator[Event[Any]]:
    """Events that are to come out the same, in their order, with what was derived from them.

    Up to the first one that is later than `until`, an episode and its epoch, or the end of the run, if that is given.
    """
    compared = True
    for event in events:
        if not event.ordinal:
            if until and _is_beyond(event, until):
                return
            compared = type(event.payload) not in _KINDS
        if compared:
            yield event


def leaves(event: Event[Any]) -> Iterator[tuple[str, Any]]:
    """Path and value of everything in an event that is compared: `layers["host.conv1"].norm`.

    None and what is empty are values, too.
    """
    payload = event.payload
    yield from _walk("", payload.data if isinstance(payload, Unknown) else payload)
    if event.extra:
        yield from _walk("extra", event.extra)


def _is_beyond(event: Event[Any], until: tuple[int, int]) -> bool:
    episode, epoch = event.scope.episode, event.scope.epoch
    return isinstance(event.payload, RunEnded) or (episode is not None and (episode, epoch or 0) > until)


def _walk(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        kind = type(value)
        inside = [(f"{path}.{f.name}" if path else f.name, f.name) for f in fields(value)]
        for where, name in inside:
            if (kind, name) not in _left_out():
                yield from _walk(where, getattr(value, name))
    elif isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _walk(f"{path}[{json.dumps(key)}]", item)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _walk(f"{path}[{place}]", item)
    else:
        yield path, value
