"""Events from the log that esper-lite's own file backend writes."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from nissa.events.codec import MalformedLineError
from nissa.events.event import Event
from nissa.events.foreign import ForeignEventCarried
from nissa.pipeline.sources.esper.fields import Line
from nissa.pipeline.sources.esper.rules_table import RULES
from nissa.pipeline.sources.esper.translator import SYSTEM, Translator
from nissa.pipeline.sources.lines import Lines, check
from nissa.pipeline.sources.read_report import Reading
from nissa.pipeline.sources.translation_report import Account

__all__ = ["read_esper", "refusal"]


def refusal(line: bytes) -> str | None:
    """Why a line is no event of esper-lite; None if it is one."""
    try:
        Line.of(_parsed(line))
    except MalformedLineError as error:
        return str(error)
    return None


def read_esper(content: Lines, reading: Reading, before: Counter[str]) -> Iterator[Event[Any]]:
    """The events of a log, numbered from 0; what becomes of each line is counted in `reading`.

    `before` are the lines that came before and were refused, by reason.
    """
    account = reading.foreign = Account(SYSTEM)
    account.lines = before.total()
    account.refuse(before)
    translator = Translator(account)
    seq = 0
    for place, line in content:
        account.lines += 1
        try:
            said = translator(_parsed(line, account))
        except MalformedLineError as error:
            account.refuse({reading.refuse(place, line, str(error)): 1})
            continue
        if not said:
            reading.duplicates += 1
        for payload, scope, time, extra in said:
            event = Event(seq, time, scope, payload, extra=extra)
            seq += 1
            reading.admit(event)
            if isinstance(payload, ForeignEventCarried):
                _mark_unknown(reading, payload)
            yield event


def _parsed(line: bytes, account: Account | None = None) -> Any:
    """JSON, or what Python's own json writes for NaN. Raises MalformedLineError."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    check(line)
    words: list[float] = []

    def constant(word: str) -> float:
        words.append(float(word))
        return words[-1]

    try:
        row = json.loads(line.decode(), parse_constant=constant)
        # Halves of characters, which json lets pass, could not be written again.
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise MalformedLineError("not UTF-8") from None
    except (ValueError, RecursionError):
        raise MalformedLineError("not JSON") from None
    if words and account:
        account.odd["NaN or Infinity as a bare word"] += 1
    return row


def _mark_unknown(reading: Reading, payload: ForeignEventCarried) -> None:
    """Of a snapshot, its kind stands behind its type."""
    kind = payload.data.get("kind")
    snapshot = payload.type == "ANALYTICS_SNAPSHOT" and isinstance(kind, str)
    name = f"{payload.type} {kind}" if snapshot else payload.type
    if name not in RULES:
        reading.unknown[f"{SYSTEM} {name}"] += 1
