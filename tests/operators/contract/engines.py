"""All that runs folds: each a function from the lines of a run, and an empty directory, to the lines derived from them.

Another engine is one more function, tried by `test_engines.py` on the same logs.
"""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reactivex.subject import Subject

from nissa.events.codec import written
from nissa.events.event import Event
from nissa.events.kinds import Payload
from nissa.pipeline.cluster.place import Place
from nissa.pipeline.cluster.visit import Visitor
from nissa.pipeline.replay import replay
from tests.operators.contract.loop import Loop, default_folds, derived_lines, events
from tests.pipeline.collector.runs import DERIVED, LOG, collected

__all__ = ["ENGINES", "Engine", "by_loop"]

Engine = Callable[[Sequence[bytes], Path], list[bytes]]
_CUTS = 20


def by_loop(lines: Sequence[bytes], _: Path) -> list[bytes]:
    """What all others have to equal."""
    loop = Loop()
    return derived_lines(seen for event in events(lines) for seen in loop.feed(event))


def put_aside(lines: Sequence[bytes], _: Path) -> list[bytes]:
    """In a loop, and at twenty places all states go through a file and come back from it."""
    told, loop, out = list(events(lines)), Loop(), list[bytes]()
    cuts = random.Random(len(told)).sample(range(len(told)), min(_CUTS, len(told)))
    for at, event in enumerate(told):
        if at in cuts:
            before = loop.dumped()
            loop.put_aside()
            assert loop.dumped() == before
        out += derived_lines(loop.feed(event))
    return out


def by_rx(lines: Sequence[bytes], _: Path) -> list[bytes]:
    """As operators on a plain Subject of Rx."""
    source, waiting, out = Subject[Event[Any]](), deque[Payload](), list[bytes]()
    for fold in default_folds().values():
        fold(source).subscribe(waiting.append)
    for event in events(lines):
        source.on_next(event)
        ordinal = 0
        while waiting:
            ordinal += 1
            derived = Event(event.seq, event.time, event.scope, waiting.popleft(), ordinal)
            out.append(written(derived))
            source.on_next(derived)
    return out


def by_replay(lines: Sequence[bytes], directory: Path) -> list[bytes]:
    """As `nissa replay` computes it."""
    log, seen = directory / LOG, list[Event[Any]]()
    log.write_bytes(b"".join(lines))
    assert not replay(log, [seen.append]).faults.counts
    return derived_lines(seen)


def by_collector(lines: Sequence[bytes], directory: Path) -> list[bytes]:
    """As a collector writes it beside the log."""
    (directory / LOG).write_bytes(b"".join(lines))
    assert collected(directory).finished
    return (directory / DERIVED).read_bytes().splitlines(keepends=True)


def by_visits(lines: Sequence[bytes], directory: Path) -> list[bytes]:
    """As a job on a cluster works a run off: look by look, each by a process that knows what the engine keeps only."""
    (directory / "run").mkdir()
    (directory / "run" / LOG).write_bytes(b"".join(lines))
    place, out, kept = Place(), list[bytes](), list[bytes | None]([None])
    while looked := Visitor(directory).look("run", place, lambda: kept[-1]):
        place = Place.load(looked.place.dump())
        kept.append(None if place.freed else looked.state or kept[-1])
        out += looked.derived
    return out


ENGINES: Mapping[str, Engine] = {
    "put aside": put_aside,
    "rx": by_rx,
    "replay": by_replay,
    "collector": by_collector,
    "visits": by_visits,
}
