"""From a log to tables, in two parts: what was told is read, and what follows from it is computed by the operators.

So a query about what was told does not wait for operators, and one about what is derived sees what `nissa replay` does.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from nissa.events.event import Event
from nissa.pipeline.query.tables import ParquetTables
from nissa.pipeline.replay import COMPUTED, replay
from nissa.pipeline.sources import Reading, read_log

__all__ = ["DERIVED", "PARTS", "READING", "TOLD", "build"]

TOLD, DERIVED = PARTS = ("told", "derived")
READING = "reading.json"
"""The file that says what is wrong with the log."""
_ALLOCATIONS = 50_000
"""Objects that were made, and not freed, since it was last looked for cycles."""


def build(path: Path, folder: Path, part: str) -> None:
    """Write a part of the tables of a run into an empty folder. Raises UnreadableRunError."""
    tables = ParquetTables(folder)
    with _rare_collection():
        reading = _told(path, tables) if part == TOLD else _derived(path, tables)
    tables.close()
    found = {"complaint": reading.complaint(), "problems": tables.problems}
    (folder / READING).write_bytes(orjson.dumps(found))


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Events wait by the thousand, none of them in a cycle: to look for cycles as often as usual costs a quarter."""
    usual = gc.get_threshold()
    if usual[0] in (0, _ALLOCATIONS):
        # Switched off, or another build is at it, which puts it back.
        yield
        return
    gc.set_threshold(_ALLOCATIONS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _told(path: Path, tables: ParquetTables) -> Reading:
    """All that is recorded, but for what is computed anew."""
    reading, position = Reading(), -1
    for event in read_log(path, reading):
        position += not event.ordinal
        if type(event.payload) not in COMPUTED:
            tables(event, max(position, 0))
    return reading


def _derived(path: Path, tables: ParquetTables) -> Reading:
    """What operators compute."""
    position = -1

    def take(event: Event[Any]) -> None:
        nonlocal position
        position += not event.ordinal
        if type(event.payload) in COMPUTED:
            tables(event, position)

    return replay(path, [take]).reading
