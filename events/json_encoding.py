"""Values as JSON can hold them: what is None left out, non-finite numbers as strings, foreign numbers as Python's."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from functools import cache
from numbers import Integral, Real
from types import NoneType
from typing import Any

import orjson

__all__ = ["default", "line", "plain"]

_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_APPEND_NEWLINE
_LARGEST = 1 << 63
"""orjson writes whole numbers from minus this to below twice this."""

_Reader = Callable[[Any], dict[str, Any]]
_readers: dict[type, _Reader] = {}


def line(members: Mapping[str, Any]) -> bytes:
    """An object as a line of JSON. Raises TypeError where a member has no form in it."""
    try:
        text = orjson.dumps(members, default=default, option=_OPTIONS)
    except TypeError:
        text = b"null"
    # orjson writes every non-finite number as null, and refuses what only `plain` has a form for, as keys that are no
    # strings.
    if b"null" in text:
        text = orjson.dumps({name: plain(value) for name, value in members.items()}, option=_OPTIONS)
    return text


def default(value: Any) -> Any:
    """What orjson is to write for a value that it does not know. Raises TypeError if that has no form in JSON.

    A float32 of numpy or torch is written as the double that it is, so that a reader gets the same number.
    """
    if read := _readers.get(type(value)):
        return read(value)
    if is_dataclass(value):
        return _readers.setdefault(type(value), _reader(type(value)))(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def plain(value: Any) -> Any:
    """A value made of dicts, lists, strings and finite numbers only. Raises TypeError if it has no form in JSON.

    Inside a mapping, which may hold a trainer's own settings, an object without a form is written as its repr.
    """
    cls: Any = type(value)
    return _writer(cls)(value)


@cache
def _writer(cls: type) -> Callable[[Any], Any]:
    """What makes values of a class plain: to ask each of them what it is would be most of the work."""
    found = next((write for known, write in _WRITERS if issubclass(cls, known)), None)
    return found or (_unfolded if is_dataclass(cls) else lambda value: plain(default(value)))


def _unfolded(value: Any) -> dict[str, Any]:
    return {name: plain(item) for name, item in default(value).items()}


def _loosely(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return repr(value)


def _key(key: Any) -> str:
    key = plain(key)
    return key if isinstance(key, str) else orjson.dumps(key).decode()


def _whole(value: Any) -> int | str:
    number = int(value)
    return number if -_LARGEST <= number < 2 * _LARGEST else str(number)


def _number(value: Any) -> float | str:
    if math.isfinite(number := float(value)):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _reader(cls: type) -> _Reader:
    """What reads the fields of a dataclass: those that are always written, then the others unless they are None."""
    kept = getattr(cls, "always_written", ())
    may_lack = [f.name for f in fields(cls) if f.default is None and f.name not in kept]
    always = ", ".join(f"{f.name!r}: value.{f.name}" for f in fields(cls) if f.name not in may_lack)
    lines = [f"    if (item := value.{name}) is not None: found[{name!r}] = item" for name in may_lack]
    # Code written out is four times as fast as anything that loops over names, and this runs for every event.
    code = "\n".join(["def read(value):", f"    found = {{{always}}}", *lines, "    return found"])
    made: dict[str, _Reader] = {}
    exec(code, made)
    return made["read"]


_WRITERS: Sequence[tuple[Any, Callable[[Any], Any]]] = (
    (Enum, lambda value: plain(value.value)),
    (NoneType | str | bool, lambda value: value),
    (Integral, _whole),
    (Real, _number),
    (date | time, lambda value: value.isoformat()),
    (Mapping, lambda value: {_key(key): _loosely(item) for key, item in value.items()}),
    (list | tuple, lambda value: [plain(item) for item in value]),
)
"""The first that fits; an enumeration of numbers is an enumeration."""
