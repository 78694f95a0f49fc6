"""What goes wrong inside: operators, the hub's thread, the clock, a buffer without room, whoever is to be told."""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import reactivex
from reactivex import operators as ops

from nissa import Telemetry
from nissa.events.event import Event
from nissa.pipeline.hub.priority_buffer import PriorityBuffer
from tests.faults.disks import At
from tests.faults.sinks import left_behind
from tests.waiting import LIMIT

__all__ = ["dying_hub", "failing_operator", "jumping_clock", "no_room", "silent_logger"]


@contextmanager
def failing_operator(out: Path) -> Iterator[Telemetry]:
    """An operator of the trainer's raises at each fiftieth event, and one at all."""
    calls = count(1)

    def at_times(_: Event[Any]) -> None:
        if not next(calls) % 50:
            raise ZeroDivisionError("on purpose")

    def always(_: Event[Any]) -> None:
        raise KeyError("on purpose")

    operators: dict[str, Any] = {
        name: lambda source, does=does: source.pipe(ops.map(does), ops.flat_map(lambda _: reactivex.empty()))
        for name, does in {"at times": at_times, "always": always}.items()
    }
    with Telemetry("run", out=out, operators=operators, linger=0.0) as telemetry:
        yield telemetry
        assert telemetry.flush(LIMIT)
    faults = telemetry.state().faults
    assert faults.keys() == operators.keys()
    assert faults["always"] > 20 * faults["at times"] > 0


@contextmanager
def dying_hub(out: Path) -> Iterator[Telemetry]:
    """The hub's thread dies five times: it is started again, and says so."""

    def die() -> None:
        raise KeyboardInterrupt

    deaths = {f"death {number}": At(number, die) for number in range(50, 300, 50)}
    with Telemetry("run", out=out, sinks=deaths, linger=0.0) as telemetry:
        yield telemetry
        assert telemetry.flush(LIMIT)
    assert (telemetry.state().restarts, telemetry.state().faults["hub"]) == (5, 5)


@contextmanager
def jumping_clock(out: Path) -> Iterator[Telemetry]:
    """The clock jumps both ways by up to a year, at each reading."""
    real, chance, default = time.time, random.Random(0), PriorityBuffer.put.__defaults__

    def jumping() -> float:
        return max(0.0, real() + chance.choice((0.0, -1.0, 3_600.0, -86_400.0, chance.uniform(-3e7, 3e7))))

    time.time, PriorityBuffer.put.__defaults__ = jumping, (jumping,)
    try:
        with Telemetry("run", out=out, linger=0.0) as telemetry:
            yield telemetry
            assert telemetry.flush(LIMIT)
    finally:
        time.time, PriorityBuffer.put.__defaults__ = real, default
    assert not telemetry.state().faults


@contextmanager
def no_room(out: Path) -> Iterator[Telemetry]:
    """One event may wait; the rest is dropped, by kind."""
    with Telemetry("run", out=out, capacity=1, linger=0.0) as telemetry:
        yield telemetry


@contextmanager
def silent_logger(out: Path) -> Iterator[Telemetry]:
    """Whoever is to be told of faults raises himself, and there are faults."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise SystemExit("on purpose")

    def sink(event: Event[Any]) -> None:
        raise ValueError("on purpose")

    handler, log = Handler(), logging.getLogger("nissa")
    log.addHandler(handler)
    try:
        with left_behind(out, sink) as telemetry:
            yield telemetry
    finally:
        log.removeHandler(handler)
