"""Events as JSON lines, and back.

A line is one object: schema version, kind, number, time and scope, and the payload under `data`. What is None is left
out, NaN and infinities are strings, and fields that this version does not know travel under `extra`. An emitted
event has `seq`; a derived one has the `cause` (the `seq` of the event that made it) and its `ordinal`.
"""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from numbers import Real
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from pydantic import TypeAdapter, ValidationError

from nissa.events.kind import KINDS, Importance, Payload
from nissa.events.scope import Event, Scope

__all__ = ["SCHEMA_VERSION", "MalformedLineError", "Unknown", "decode", "encode", "plain"]

SCHEMA_VERSION = 1
_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
_SCOPE = ("run", "group", "env", "episode", "epoch")
_ENVELOPE = {"v", "kind", "seq", "cause", "ordinal", "time", *_SCOPE, "data", "extra"}
_KNOWN = _ENVELOPE - {"extra"}


class MalformedLineError(ValueError):
    """A line that is no event; the message names the field and says what is wrong with it."""


class Unknown(Payload):
    """An event of a kind that this version does not know, carried as it was read."""

    __slots__ = ("data", "kind")
    importance = Importance.ROUTINE
    derived = False

    def __init__(self, kind: str, data: dict[str, Any]) -> None:
        self.kind, self.data = kind, data


def encode(event: Event[Any]) -> bytes:
    """One line, newline included. Raises TypeError on a value that JSON has no form for."""
    number = {"cause": event.seq, "ordinal": event.ordinal} if event.ordinal else {"seq": event.seq}
    line = {"v": SCHEMA_VERSION, "kind": event.payload.kind, **number, "time": event.time}
    line.update(_where(event.scope))
    line["data"] = _data(event.payload)
    if event.extra:
        line["extra"] = event.extra
    text = orjson.dumps(line, default=_foreign, option=_OPTIONS | orjson.OPT_APPEND_NEWLINE)
    # orjson writes None and every non-finite number as null, and None at the top was left out already.
    return text if b"null" not in text else orjson.dumps(plain(line), option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Event[Any]:
    """The event of a line. Raises MalformedLineError; kinds and fields not known here are carried, not refused."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MalformedLineError(f"not JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("kind"), str):
        raise MalformedLineError("kind: missing, so this is no event of Nissa's")
    try:
        seq, ordinal = (row["cause"], row["ordinal"]) if "cause" in row else (row["seq"], 0)
        scope = _scope(*[row.get(name) for name in _SCOPE])
        payload, extra = _payload(row["kind"], row["data"])
        if not row.keys() <= _KNOWN:
            extra |= _unknown(row)
        if not isinstance(seq, int) or not isinstance(row["time"], float | int):
            raise MalformedLineError("seq and time: must be numbers")
    except KeyError as error:
        raise MalformedLineError(f"{error.args[0]}: missing") from None
    except TypeError as error:
        raise MalformedLineError(f"a field of the envelope has the wrong type: {error}") from None
    return Event(seq, row["time"], scope, payload, ordinal, extra or None)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: dataclasses as objects without their Nones, non-finite numbers as strings."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Real):
        return _number(float(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return plain({f.name: getattr(value, f.name) for f in fields(value)})
    return plain(_foreign(value))


class _Form(NamedTuple):
    """What it takes to write and read the payloads of a kind."""

    names: tuple[str, ...]
    known: frozenset[str]
    values: Callable[[Payload], tuple[Any, ...]]
    adapter: TypeAdapter[Payload]


@cache
def _form(name: str) -> _Form:
    kind: Any = KINDS[name]
    names = tuple(f.name for f in fields(kind))
    values = attrgetter(*names) if len(names) > 1 else lambda payload: (getattr(payload, names[0]),)
    return _Form(names, frozenset(names), values, TypeAdapter(kind))


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _foreign(value: Any) -> Any:
    """Scalars and arrays of numpy and torch, which can turn themselves into Python's numbers; and paths."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


@lru_cache(maxsize=1024)
def _where(scope: Scope) -> dict[str, str | int]:
    return {name: value for name in _SCOPE if (value := getattr(scope, name)) is not None}


@lru_cache(maxsize=1024)
def _scope(*where: Any) -> Scope:
    if not isinstance(where[0], str):
        raise MalformedLineError("run: must be a name")
    for name, value in zip(_SCOPE[2:], where[2:], strict=True):
        if value is not None and not isinstance(value, int):
            raise MalformedLineError(f"{name}: must be a whole number, not {value!r}")
    return Scope(*where)


def _unknown(row: dict[str, Any]) -> dict[str, Any]:
    carried = row.get("extra", {})
    if not isinstance(carried, dict):
        raise MalformedLineError("extra: must be an object")
    return {name: row[name] for name in row.keys() - _ENVELOPE} | carried


def _data(payload: Payload) -> dict[str, Any]:
    if isinstance(payload, Unknown):
        return payload.data
    form = _form(payload.kind)
    return {name: value for name, value in zip(form.names, form.values(payload)) if value is not None}  # noqa: B905


def _payload(name: str, data: Any) -> tuple[Payload, dict[str, Any]]:
    """The payload, and those of its fields that are not known here."""
    if not isinstance(data, dict):
        raise MalformedLineError("data: must be an object")
    if name not in KINDS:
        return Unknown(name, data), {}
    form = _form(name)
    try:
        payload = form.adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MalformedLineError(f"data.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return payload, {} if data.keys() <= form.known else {key: data[key] for key in data.keys() - form.known}
