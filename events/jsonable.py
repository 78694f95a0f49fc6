"""Values as JSON can hold them: what is None left out, non-finite numbers as strings, foreign numbers as Python's."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time
from enum import Enum
from numbers import Integral, Real
from typing import Any, NamedTuple

import orjson

__all__ = ["default", "dumps", "plain"]

_OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS
_LARGEST = 1 << 63
"""orjson writes whole numbers from minus this to below twice this."""


class _Shape(NamedTuple):
    """How to read a dataclass: the fields that are always there, and the names of those that may be None."""

    required: Callable[[Any], dict[str, Any]]
    optional: tuple[str, ...]


_shapes: dict[type, _Shape] = {}


def dumps(value: Any) -> bytes:
    """A value as JSON. Raises TypeError where it has no form in it."""
    try:
        text = orjson.dumps(value, default=default, option=_OPTIONS)
    except TypeError:
        text = b"null"
    # orjson writes every non-finite number as null, and refuses what only `plain` has a form for.
    return text if b"null" not in text else orjson.dumps(plain(value))


def default(value: Any) -> Any:
    """What orjson is to write for a value that it does not know. Raises TypeError if that has no form in JSON.

    A float32 of numpy or torch is written as the double that it is, so that a reader gets the same number.
    """
    if (shape := _shapes.get(type(value))) is not None or is_dataclass(value):
        return _fields(value, shape or _shape(type(value)))
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def plain(value: Any) -> Any:
    """A value made of dicts, lists, strings and finite numbers only. Raises TypeError if it has no form in JSON.

    Inside a mapping, which may hold a trainer's own settings, an object without a form is written as its repr.
    """
    if value is None or (isinstance(value, str | bool) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Integral):
        number = int(value)
        return number if -_LARGEST <= number < 2 * _LARGEST else str(number)
    if isinstance(value, Real):
        return _number(float(value))
    if isinstance(value, date | time):
        return value.isoformat()
    return _composed(value)


def _composed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _loosely(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return {name: plain(item) for name, item in default(value).items()}
    return plain(default(value))


def _loosely(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        return repr(value)


def _key(key: Any) -> str:
    key = plain(key)
    return key if isinstance(key, str) else orjson.dumps(key).decode()


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _fields(value: Any, shape: _Shape) -> dict[str, Any]:
    found = shape.required(value)
    for name in shape.optional:
        if (item := getattr(value, name)) is not None:
            found[name] = item
    return found


def _shape(cls: type) -> _Shape:
    required = [f.name for f in fields(cls) if f.default is not None]
    # A written-out literal is four times as fast as anything that loops over names, and this runs for every event.
    literal = eval(f"lambda value: {{{', '.join(f'{name!r}: value.{name}' for name in required)}}}")
    return _shapes.setdefault(cls, _Shape(literal, tuple(f.name for f in fields(cls) if f.default is None)))
