"""Events from the log that esper-lite's own file backend writes."""

import json
from collections.abc import Iterator
from typing import Any

import orjson

from nissa.events.codec import MalformedLineError
from nissa.events.foreign import ForeignEventCarried
from nissa.events.kinds import Payload
from nissa.events.scope import Event
from nissa.pipeline.sources.account import Account
from nissa.pipeline.sources.esper import SYSTEM, Translator
from nissa.pipeline.sources.esper_fields import Line
from nissa.pipeline.sources.esper_table import RULES
from nissa.pipeline.sources.lines import Lines
from nissa.pipeline.sources.reading import Reading

__all__ = ["is_esper", "read_esper"]

_TYPES = {name.partition(" ")[0] for name in RULES}


def is_esper(line: bytes) -> bool:
    """Whether a line is an event of esper-lite."""
    try:
        Line.of(_parsed(line))
    except MalformedLineError:
        return False
    return True


def read_esper(content: Lines, reading: Reading) -> Iterator[Event[Any]]:
    """The events of a log, numbered from 0; what becomes of each line is counted in `reading`."""
    account = reading.foreign = Account(SYSTEM)
    translator = Translator(account)
    seq = 0
    for place, line in content:
        account.lines += 1
        try:
            said = translator(_parsed(line, account))
        except MalformedLineError as error:
            _refuse(reading, account, place, line, str(error))
            continue
        if not said:
            reading.duplicates += 1
        for payload, scope, time, extra in said:
            event = Event(seq, time, scope, payload, extra=extra)
            seq += 1
            reading.admit(event)
            _mark_unknown(reading, payload)
            yield event


def _parsed(line: bytes, account: Account | None = None) -> Any:
    """JSON, or what Python's own json writes for NaN. Raises MalformedLineError."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    try:
        row = json.loads(line)
        # Halves of characters, which json lets pass, could not be written again.
        json.dumps(row, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise MalformedLineError("not JSON") from None
    if account:
        account.odd["NaN or Infinity as a bare word"] += 1
    return row


def _refuse(reading: Reading, account: Account, place: str, line: bytes, reason: str) -> None:
    account.malformed += 1
    reading.malformed += 1
    torn = "" if line.endswith(b"\n") else "torn last line: "
    account.odd[torn + reason] += 1
    reading.wrong(f"{place}: {torn}{reason}")


def _mark_unknown(reading: Reading, payload: Payload) -> None:
    if isinstance(payload, ForeignEventCarried) and payload.type not in _TYPES:
        reading.unknown[f"{SYSTEM} {payload.type}"] += 1
