"""Values as JSON can hold them: what is None left out, non-finite numbers as strings, foreign numbers as Python's."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from numbers import Real
from typing import Any, NamedTuple

__all__ = ["default", "plain"]


class _Shape(NamedTuple):
    """How to read a dataclass: the fields that are always there, and the names of those that may be None."""

    required: Callable[[Any], dict[str, Any]]
    optional: tuple[str, ...]


_shapes: dict[type, _Shape] = {}


def default(value: Any) -> Any:
    """What orjson is to write for a value that it does not know. Raises TypeError if that has no form in JSON."""
    if (shape := _shapes.get(type(value))) is not None or is_dataclass(value):
        return _fields(value, shape or _shape(type(value)))
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def plain(value: Any) -> Any:
    """A value made of dicts, lists, strings and finite numbers only."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Real):
        return _number(float(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    return plain(default(value))


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
