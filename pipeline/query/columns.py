"""The columns of a table of events: where and when each happened, and the fields of its kind, with their types.

A kind that is declared anew has a table by itself, and a new field a column. What Arrow has no type for is JSON text.
"""

import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache
from operator import attrgetter
from types import UnionType
from typing import Any, NamedTuple

import orjson

from nissa.events.json_encoding import plain
from nissa.events.kind import KINDS
from nissa.events.taking import hints
from nissa.sinks.packages import needed

__all__ = ["AFTER", "BEFORE", "UNKNOWN", "Column", "columns", "env_text", "fields_of", "names_of", "reader"]

BEFORE = ("run", "group", "env", "episode", "epoch")
"""Columns before the fields of a kind."""
AFTER = ("seq", "ordinal", "time", "position", "extra")
"""And behind them."""
UNKNOWN = "unknown_events"
"""The table of events of kinds that are not known here."""

Convert = Callable[[Any], Any]
_SCALARS: dict[Any, str] = {bool: "bool_", int: "int64", float: "float64", str: "string"}
_ENVELOPE: dict[str, Any] = {
    "run": str,
    "group": str | None,
    "env": int | str | None,
    "episode": int | None,
    "epoch": int | None,
    "seq": int,
    "ordinal": int,
    "time": float,
    "position": int,
    "extra": Any,
}


class Column(NamedTuple):
    """A column: its type in Arrow, and what makes its values such, None for values that are so already."""

    name: str
    type: Any
    convert: Convert | None


def columns(kind: str) -> list[Column]:
    """Of the table of a kind. Raises KeyError on a kind that is not known, MissingPackageError without pyarrow."""
    own = fields_of(kind)
    taken = {column.name for column in own}
    before, after = ([_named(name, taken) for name in part] for part in (BEFORE, AFTER))
    return [*before, *own, *after]


def names_of(kind: str) -> list[str]:
    """The fields of a kind."""
    return ["kind", "data"] if kind == UNKNOWN else [field.name for field in fields(typing.cast("Any", KINDS[kind]))]


def fields_of(kind: str) -> list[Column]:
    """Those that are fields of the kind."""
    types: dict[str, Any] = {"kind": str, "data": Any} if kind == UNKNOWN else hints(typing.cast("Any", KINDS[kind]))
    return [Column(name, *_typed(types[name])) for name in names_of(kind)]


@lru_cache(4096, typed=True)
def env_text(env: int | str) -> str:
    """A number or a name as text. A name that looks like a number stands in quotes.

    >>> env_text(5), env_text("walker"), env_text("5")
    ('5', 'walker', '"5"')
    """
    return f'"{env}"' if isinstance(env, str) and env.lstrip("-").isdecimal() else str(env)


def _named(name: str, taken: set[str]) -> Column:
    """What an event is about says the event; where that was told keeps another name."""
    return Column(f"told_{name}" if name in taken else name, *_typed(_ENVELOPE[name]))


@cache
def _typed(hint: Any) -> tuple[Any, Convert | None]:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, UnionType):
        return _option([option for option in inner if option is not type(None)])
    if is_dataclass(hint):
        return _struct(hint)
    if (origin is list or (origin is dict and inner[0] is str)) and inner[-1] is not Any:
        return _collection(origin, inner[-1])
    arrow = needed("pyarrow")
    if hint in _SCALARS:
        return getattr(arrow, _SCALARS[hint])(), None
    return arrow.string(), None if origin is typing.Literal else _json


def _collection(origin: Any, inner: Any) -> tuple[Any, Convert | None]:
    arrow, (member, convert) = needed("pyarrow"), _typed(inner)
    if origin is list:
        return arrow.list_(member), _each(convert) if convert else None
    return arrow.map_(arrow.string(), member), _each_value(convert) if convert else None


def _option(options: list[Any]) -> tuple[Any, Convert | None]:
    """Of a union: of one type, or of an environment's two."""
    if len(options) == 1:
        return _typed(options[0])
    return needed("pyarrow").string(), env_text if {*options} == {int, str} else _json


def _each(convert: Convert) -> Convert:
    return lambda items: [_or_none(convert, item) for item in items]


def _each_value(convert: Convert) -> Convert:
    return lambda items: {name: _or_none(convert, item) for name, item in items.items()}


def _json(value: Any) -> str:
    return orjson.dumps(plain(value)).decode()


def _struct(cls: Any) -> tuple[Any, Convert]:
    typed = {name: _typed(hint) for name, hint in hints(cls).items()}
    converts = {name: convert for name, (_, convert) in typed.items() if convert}
    names, read = [*typed], reader([*typed])

    def convert(value: Any) -> dict[str, Any]:
        row = dict(zip(names, read(value), strict=True))
        for name, own in converts.items():
            row[name] = _or_none(own, row[name])
        return row

    return needed("pyarrow").struct([(name, kind) for name, (kind, _) in typed.items()]), convert


def _or_none(convert: Convert, value: Any) -> Any:
    return None if value is None else convert(value)


def reader(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What reads these fields of an object, all at once."""
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda value: (read(value),)
