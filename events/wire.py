"""Lines as most of them are, quickly: those of known kinds, of this version, with finite numbers.

What is anything else is left to `codec`, which says what is odd or wrong about it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from nissa.events.event import Event, Scope
from nissa.events.kind import KINDS
from nissa.events.twins import Twin

__all__ = ["SCHEMA_VERSION", "quick_event", "quick_lines"]

SCHEMA_VERSION = 1

_encoder = msgspec.json.Encoder()
_encode, _encode_lines = _encoder.encode, _encoder.encode_lines


class _Emitted(msgspec.Struct, omit_defaults=True, gc=False):
    v: int
    kind: str
    seq: int
    time: float
    run: str
    group: str | None = None
    env: int | str | None = None
    episode: int | None = None
    epoch: int | None = None
    data: Any = None
    extra: Any = None


class _Derived(msgspec.Struct, omit_defaults=True, gc=False):
    v: int
    kind: str
    cause: int
    ordinal: int
    time: float
    run: str
    group: str | None = None
    env: int | str | None = None
    episode: int | None = None
    epoch: int | None = None
    data: Any = None
    extra: Any = None


class _Read(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    v: int
    kind: str
    time: float
    run: str
    data: msgspec.Raw
    seq: int = -1
    cause: int = -1
    ordinal: int = 0
    group: str | None = None
    env: int | str | None = None
    episode: int | None = None
    epoch: int | None = None
    extra: dict[str, Any] | None = None


_decode = msgspec.json.Decoder(_Read).decode


def quick_lines(events: Sequence[Event[Any]]) -> bytes | None:
    """The lines of events, newlines included; None where one takes more than the usual to write it."""
    try:
        text = _encode_lines([_told(event) for event in events])
    except Exception:  # noqa: BLE001  # a value's own methods may raise anything
        return None
    # Numbers that are not finite are written as null, and nothing else that is usual is.
    return None if b"null" in text else text


def _told(event: Event[Any]) -> _Emitted | _Derived:
    payload = event.payload
    if (twin := _twins.get(type(payload)) or _twin(type(payload))) is None:
        raise TypeError(f"{payload.kind} is not of the usual form")
    data, extra = twin.made(payload), event.extra or None
    if event.ordinal:
        return _Derived(SCHEMA_VERSION, payload.kind, event.seq, event.ordinal, event.time, *event.scope, data, extra)
    return _Emitted(SCHEMA_VERSION, payload.kind, event.seq, event.time, *event.scope, data, extra)


def quick_event(line: bytes) -> Event[Any] | None:
    """The event of a line; None where there may be something to say about it."""
    try:
        row = _decode(line)
        if (kind := KINDS.get(row.kind)) is None or (twin := _twin(kind)) is None or row.v != SCHEMA_VERSION:
            return None
        struct = twin.decode(row.data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    # A parser passes over a key that stands twice: then there is more than was read, of the payload or around it.
    inside = len(_encode(struct))
    if memoryview(row.data).nbytes != inside or line.count(_KEY, 0, len(line) - inside) != _keys(row):
        return None
    where = _scope(row.run, row.group, row.env, row.episode, row.epoch)
    return Event(row.cause if row.ordinal else row.seq, row.time, where, twin.back(struct), row.ordinal)


_KEY = b'":'
_scope = lru_cache(maxsize=1024, typed=True)(Scope)


def _keys(row: _Read) -> int:
    """How many keys there are around a payload; -1 where the number, or the cause, is not told as it should be."""
    if row.extra is not None or (row.seq < 0) == (row.cause < 0) or (row.cause < 0) != (row.ordinal <= 0):
        return -1
    missing = (row.group is None) + (row.env is None) + (row.episode is None) + (row.epoch is None)
    return (10 if row.cause < 0 else 11) - missing


_twins: dict[Any, Twin | None] = {}


def _twin(kind: Any) -> Twin | None:
    if kind not in _twins:
        try:
            _twins[kind] = Twin(kind)
        except (TypeError, NameError):
            _twins[kind] = None
    return _twins[kind]
