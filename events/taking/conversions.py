"""By the type of a field: from a value of the trainer's to the event's own."""

import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any

from pydantic import TypeAdapter

from nissa.events.salvage import salvaged
from nissa.events.taking.scalars import items, label, mapping, real, text, truth, whole

__all__ = ["conversion", "hints", "required"]

_SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    float: real,
    int: whole,
    bool: truth,
    str: text,
    typing.Union[int, str]: label,  # noqa: UP007  # as `required` gives it
    Any: salvaged,
}


@cache
def hints(cls: Any) -> dict[str, Any]:
    """The type of each field of a dataclass, units left out."""
    found = typing.get_type_hints(cls)
    return {field.name: found[field.name] for field in fields(cls)}


def required(hint: Any) -> tuple[Any, bool]:
    """A type without its None, and whether it had one."""
    options = typing.get_args(hint)
    if NoneType not in options:
        return hint, False
    return typing.Union[tuple(option for option in options if option is not NoneType)], True  # noqa: UP007


@cache
def conversion(hint: Any) -> Callable[[Any], Any]:
    """What makes a value the event's own. It raises on one that a reader would refuse."""
    base, may_lack = required(hint)
    convert = _SCALARS.get(base) or _collection(base)
    return (lambda value: None if value is None else convert(value)) if may_lack else convert


def _collection(hint: Any) -> Callable[[Any], Any]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is dict:
        key, member = map(conversion, inner)
        return lambda value: {key(name): _named(name, member, item) for name, item in mapping(value).items()}
    if origin is list:
        (member,) = map(conversion, inner)
        return lambda value: [member(item) for item in items(value)]
    if is_dataclass(hint):
        return _part(hint)
    adapter: TypeAdapter[Any] = TypeAdapter(hint)
    return lambda value: adapter.validate_python(salvaged(value))


def _named(name: Any, convert: Callable[[Any], Any], item: Any) -> Any:
    """An item of a mapping; an error says which one it is."""
    try:
        return convert(item)
    except Exception as error:
        raise ValueError(f"{name!r} {error}") from error


def _part(cls: Any) -> Callable[[Any], Any]:
    members = {name: conversion(hint) for name, hint in hints(cls).items()}

    def convert(value: Any) -> Any:
        told = value if isinstance(value, cls) else cls(**mapping(value))
        return cls(**{name: member(getattr(told, name)) for name, member in members.items()})

    return convert
