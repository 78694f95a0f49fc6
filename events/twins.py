"""The form that a kind has on the wire: a msgspec twin of its class, made from its fields, and the way there and back.

msgspec writes and reads one in a fraction of the time that a dataclass takes. What is at its default is left out.

>>> from nissa.events.training import BatchCompleted
>>> twin = Twin(BatchCompleted)
>>> text = msgspec.json.encode(twin.made(BatchCompleted(batch=3, loss=0.5)))
>>> text, twin.back(twin.decode(text)) == BatchCompleted(batch=3, loss=0.5)
(b'{"batch":3,"loss":0.5}', True)
"""

import typing
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import Any

import msgspec

from nissa.events.taking import hints

__all__ = ["Twin"]


class Twin:
    """Of a dataclass. Raises TypeError on one with a field that msgspec has no form for."""

    def __init__(self, cls: Any) -> None:
        self._decoder = msgspec.json.Decoder(_struct(cls))
        self.made: Callable[[Any], msgspec.Struct] = _there(cls)
        """From an object to its twin."""
        self.back: Callable[[Any], Any] = _back(cls)
        """From the twin of an object to such an object."""

    def decode(self, text: bytes | msgspec.Raw) -> msgspec.Struct:
        """The twin that stands in JSON. Raises msgspec.MsgspecError on what is not exactly as we write it."""
        twin: msgspec.Struct = self._decoder.decode(text)
        return twin


@cache
def _struct(cls: Any) -> type[msgspec.Struct]:
    told = [(field.name, _wire(hints(cls)[field.name]), *_default(field)) for field in _ordered(cls)]
    return msgspec.defstruct(cls.__name__, told, forbid_unknown_fields=True, omit_defaults=True, gc=False)


def _ordered(cls: Any) -> "list[Field[Any]]":
    """Those that must be told first."""
    return sorted(fields(cls), key=lambda field: bool(_default(field)))


def _default(field: "Field[Any]") -> tuple[Any, ...]:
    if field.default_factory is not MISSING:
        return (msgspec.field(default_factory=field.default_factory),)
    return () if field.default is MISSING else (field.default,)


def _wire(hint: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return _struct(typing.cast("Any", hint))
    if origin in (list, dict):
        return origin[tuple(map(_wire, inner))]
    return typing.Union[tuple(map(_wire, inner))] if type(None) in inner else hint  # noqa: UP007


@cache
def _there(cls: Any) -> Callable[[Any], Any]:
    made: Callable[[Any], Any] = _written_out("struct", cls, _struct(cls), _there)
    return made


@cache
def _back(cls: Any) -> Callable[[Any], Any]:
    made: Callable[[Any], Any] = _written_out("kind", cls, _positional(cls), _back)
    return made


def _written_out(name: str, cls: Any, make: Callable[..., Any], part: Callable[[Any], Callable[[Any], Any]]) -> Any:
    """Code that hands the fields of one to the other: it runs for every event."""
    known: dict[str, Any] = {"make": make}
    values = [_value(f"value.{field.name}", hints(cls)[field.name], known, part) for field in _ordered(cls)]
    exec(f"def {name}(value): return make({', '.join(values)})", known)
    handed: Callable[[Any], Any] = known[name]
    return handed


def _value(place: str, hint: Any, known: dict[str, Any], part: Callable[[Any], Callable[[Any], Any]]) -> str:
    inner = [option for option in typing.get_args(hint) if option is not type(None)]
    if type(None) in typing.get_args(hint):
        own = _value(place, inner[0], known, part) if len(inner) == 1 else place
        return own if own == place else f"(None if {place} is None else {own})"
    if is_dataclass(hint):
        known[convert := f"part_{len(known)}"] = part(hint)
        return f"{convert}({place})"
    if inner and (own := _value("item", inner[-1], known, part)) != "item":
        within = f"[{own} for item in {place}]", f"{{key: {own} for key, item in {place}.items()}}"
        return within[typing.get_origin(hint) is dict]
    return place


def _positional(cls: Any) -> Callable[..., Any]:
    """A constructor of a dataclass whose fields come in the order of its twin's."""
    names = [field.name for field in _ordered(cls)]
    lines = [
        f"def made({', '.join(names)}):",
        "    own = new(cls)",
        *(f"    own.{n} = {n}" for n in names),
        "    return own",
    ]
    known: dict[str, Any] = {"new": object.__new__, "cls": cls}
    exec("\n".join(lines), known)
    constructor: Callable[..., Any] = known["made"]
    return constructor
