"""Events as JSON lines, and back.

A line is one object: schema version, kind, number, time and scope, and the payload under `data`. What is None is left
out, NaN and infinities are strings, and fields that this version does not know travel under `extra`. An emitted
event has `seq`; a derived one has the `cause` (the `seq` of the event that made it) and its `ordinal`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from types import NoneType
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from nissa.events.event import Event, Scope
from nissa.events.json_encoding import line
from nissa.events.kind import KINDS, Importance, Payload
from nissa.events.repeated_keys import repeated_keys
from nissa.events.salvage import salvaged
from nissa.events.unknown_fields import unknown_fields
from nissa.events.wire import SCHEMA_VERSION, quick_event, quick_lines

__all__ = [
    "LONGEST_LINE",
    "SCHEMA_VERSION",
    "MalformedLineError",
    "Unknown",
    "UnwritableEventError",
    "decode",
    "encode",
    "legible",
    "written",
    "written_together",
]

LONGEST_LINE = 64 << 20
"""Bytes of a line that a reader takes, and a log writes, at most."""
_SCOPE = ("run", "group", "env", "episode", "epoch")
_ENVELOPE = {"v", "kind", "seq", "cause", "ordinal", "time", *_SCOPE, "data", "extra"}
_KNOWN = _ENVELOPE - {"extra"}


class MalformedLineError(ValueError):
    """A line that is no event; the message, one line itself, names the field and says what is wrong with it."""

    def __init__(self, message: str) -> None:
        # Names of fields come from the line.
        super().__init__("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message))


class UnwritableEventError(ValueError):
    """An event that no reader would take, however it is written. Whoever writes it is not to blame."""


class Unknown(Payload):
    """An event of a kind that this version does not know, carried as it was read."""

    __slots__ = ("data", "kind")
    importance = Importance.ROUTINE
    derived = False

    def __init__(self, kind: str, data: dict[str, Any]) -> None:
        self.kind, self.data = kind, data


def _ignore(_: str) -> None:
    pass


def encode(event: Event[Any]) -> bytes:
    """One line, newline included. Raises TypeError on a value that JSON has no form for."""
    return quick_lines([event]) or line(_row(event))


def written_together(events: Sequence[Event[Any]]) -> bytes | None:
    """The lines of events that are as most are; None where one is to be written, or refused, by itself."""
    text = quick_lines(events)
    return None if text is None or len(text) > LONGEST_LINE else text


def written(event: Event[Any]) -> bytes:
    """One line that a reader takes, also of an event with values that JSON has no form for.

    Raises UnwritableEventError where there is none.
    """
    try:
        text = encode(event)
    except Exception:  # noqa: BLE001  # a value's own methods may raise anything
        text = _anyway(event)
    if len(text) > LONGEST_LINE:
        raise UnwritableEventError(f"its line has {len(text)} bytes, and no reader takes more than {LONGEST_LINE}")
    return text


def legible(event: Event[Any]) -> dict[str, Any]:
    """An event for people, in the form of a line, whatever its values are: see `salvaged`."""
    row: dict[str, Any] = salvaged(_row(event))
    return row


def _anyway(event: Event[Any]) -> bytes:
    text = line(legible(event))
    try:
        decode(text)
    except MalformedLineError as error:
        raise UnwritableEventError(str(error)) from None
    return text


def decode(line: bytes, odd: Callable[[str], None] = _ignore) -> Event[Any]:
    """The event of a line. Raises MalformedLineError; kinds and fields not known here are carried, not refused.

    `odd` hears of what is strange about a line that is read all the same.
    """
    if event := quick_event(line):
        return event
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MalformedLineError(f"not JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str):
        raise MalformedLineError("kind: missing, so this is no event of Nissa's")
    _look(line, row, odd)
    try:
        seq, ordinal = (row["cause"], row["ordinal"]) if "cause" in row else (row["seq"], 0)
        scope = _scope(*[row.get(name) for name in _SCOPE])
        payload, extra = _payload(row["kind"], row["data"])
        if not row.keys() <= _KNOWN:
            extra |= _unknown(row)
        if not (_whole(seq) and _whole(ordinal) and isinstance(row["time"], float | int)):
            raise MalformedLineError("seq, cause and ordinal must be whole numbers from 0, and time a number")
    except KeyError as error:
        raise MalformedLineError(f"{error.args[0]}: missing") from None
    except TypeError as error:
        raise MalformedLineError(f"a field of the envelope has the wrong type: {error}") from None
    return Event(seq, float(row["time"]), scope, payload, ordinal, extra or None)


def _row(event: Event[Any]) -> dict[str, Any]:
    payload = event.payload
    row = {
        "v": SCHEMA_VERSION,
        "kind": payload.kind,
        **({"cause": event.seq, "ordinal": event.ordinal} if event.ordinal else {"seq": event.seq}),
        "time": event.time,
        **_where(event.scope),
        "data": payload.data if isinstance(payload, Unknown) else payload,
    }
    return row | {"extra": event.extra} if event.extra else row


def _look(line: bytes, row: dict[str, Any], odd: Callable[[str], None]) -> None:
    """Say what a parser passes over. Lines of our own are as long as what is in them, written again."""
    if (version := row.get("v")) != SCHEMA_VERSION:
        odd(f"v: {version!r}, and this version of Nissa knows {SCHEMA_VERSION}; it is read as far as it goes")
    if len(orjson.dumps(row)) != len(line.rstrip()):
        for key in repeated_keys(line):
            odd(f"{key}: written twice in one object; the last one counts")


@cache
def _adapter(kind: Any) -> TypeAdapter[Payload]:
    return TypeAdapter(kind)


@lru_cache(maxsize=1024)
def _where(scope: Scope) -> Mapping[str, Any]:
    return {name: value for name, value in zip(_SCOPE, scope, strict=True) if value is not None}


@lru_cache(maxsize=1024, typed=True)
def _scope(run: Any, group: Any, env: Any, *numbers: Any) -> Scope:
    if not isinstance(run, str) or not isinstance(group, str | None):
        raise MalformedLineError("run: must be a name, and group one or missing")
    if type(env) not in (int, str, NoneType):
        raise MalformedLineError(f"env: must be a whole number or a name, not {env!r}")
    for name, value in zip(_SCOPE[3:], numbers, strict=True):
        if type(value) not in (int, NoneType):
            raise MalformedLineError(f"{name}: must be a whole number, not {value!r}")
    return Scope(run, group, env, *numbers)


def _whole(value: Any) -> bool:
    return type(value) is int and value >= 0


def _unknown(row: dict[str, Any]) -> dict[str, Any]:
    carried = row.get("extra", {})
    if not isinstance(carried, dict):
        raise MalformedLineError("extra: must be an object")
    return {name: row[name] for name in row.keys() - _ENVELOPE} | carried


def _payload(name: str, data: Any) -> tuple[Payload, dict[str, Any]]:
    """The payload, and those of its fields that are not known here."""
    if not isinstance(data, dict):
        raise MalformedLineError("data: must be an object")
    if name not in KINDS:
        return Unknown(name, data), {}
    cls: Any = KINDS[name]
    try:
        payload = _adapter(cls).validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MalformedLineError(f"data.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return payload, unknown_fields(data, cls)
