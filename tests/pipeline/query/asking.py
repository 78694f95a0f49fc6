"""Ask runs, and get rows of plain data; and runs that are told by hand."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from nissa.events.codec import encode
from nissa.events.event import Event
from nissa.events.kinds import Payload
from nissa.pipeline.query import asked, found_runs, rows_of
from tests.samples import event

__all__ = ["Ask", "ask", "told", "write"]

Ask = Callable[[str], list[dict[str, Any]]]


def ask(path: Path | str, sql: str) -> list[dict[str, Any]]:
    """What a query gives, row by row."""
    with asked(found_runs(path), sql) as answer:
        return [dict(zip(answer.batches.schema.names, row, strict=True)) for row in rows_of(answer.batches)]


def told(*payloads: Payload, **where: Any) -> list[Event[Any]]:
    """Events of one place, one after the other."""
    place = {"group": "ppo", "env": 0, "episode": 0, "epoch": 1} | where
    return [event(payload, seq, float(seq), **place) for seq, payload in enumerate(payloads)]


def write(path: Path, events: Iterable[Event[Any]]) -> Path:
    """A log of these events."""
    path.write_bytes(b"".join(map(encode, events)))
    return path
