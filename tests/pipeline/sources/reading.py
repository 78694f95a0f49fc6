"""What the tests of readers share: reading a log, and whether its account adds up."""

from pathlib import Path
from typing import Any

from nissa.events.event import Event
from nissa.pipeline.sources.read_report import Reading
from nissa.pipeline.sources.reader import read_log

__all__ = ["adds_up", "read"]


def read(path: Path) -> tuple[list[Event[Any]], Reading]:
    """The events of a log, and what was found in it."""
    reading = Reading()
    return list(read_log(path, reading)), reading


def adds_up(reading: Reading) -> bool:
    """Whether every line is accounted for, and every event stems from one or was added."""
    account = reading.foreign
    assert account
    became = account.translated + account.carried
    by_type = sum(count.total() for count in account.by_type.values())
    lines = account.lines == became + account.malformed + account.duplicates
    alike = (account.malformed, account.duplicates) == (reading.malformed, reading.duplicates)
    return lines and alike and reading.read == became + account.added and by_type == became
