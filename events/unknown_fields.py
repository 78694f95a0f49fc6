"""Fields of a payload, and of the parts inside it, that this version does not know."""

import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, NamedTuple

__all__ = ["unknown_fields"]


class _Known(NamedTuple):
    """The fields of a dataclass, and those of them that hold parts."""

    names: frozenset[str]
    parts: tuple[tuple[str, type], ...]


def unknown_fields(data: Mapping[str, Any], cls: type) -> dict[str, Any]:
    """What is in `data` and not in the dataclass, by its path: `momentum`, or `slots.0.momentum` inside a part."""
    known = _known(cls)
    found = {} if data.keys() <= known.names else {name: data[name] for name in data.keys() - known.names}
    for name, part in known.parts:
        for place, inside in _members(data.get(name)):
            found.update({f"{name}{place}.{key}": value for key, value in unknown_fields(inside, part).items()})
    return found


def _members(value: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The parts in a field: one, or a list of them, or a mapping."""
    if isinstance(value, list):
        return [(f".{place}", item) for place, item in enumerate(value)]
    if isinstance(value, dict) and value and all(isinstance(item, dict) for item in value.values()):
        return [(f".{key}", item) for key, item in value.items()]
    return [("", value)] if isinstance(value, dict) else []


@cache
def _known(cls: Any) -> _Known:
    hints = typing.get_type_hints(cls)
    parts = (
        (name, part) for name, hint in hints.items() for part in (hint, *typing.get_args(hint)) if is_dataclass(part)
    )
    return _Known(frozenset(f.name for f in fields(cls)), tuple(typing.cast("Iterable[tuple[str, type]]", parts)))
