"""The conversions of all fields of a kind, written out: this runs for every event, and a loop takes five times as long.

>>> from nissa.events.lifecycle import SeedGerminated
>>> seed = SeedGerminated(slot="early", seed="s1", blueprint="norm", params=16)
>>> taker(SeedGerminated)(seed) is seed
True
"""

import typing
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import cache
from types import NoneType
from typing import Any

from nissa.events.taking.conversions import conversion, hints, required

__all__ = ["Taker", "taker"]

Taker = Callable[[Any], Any]


@cache
def taker(cls: type) -> Taker:
    """What makes a payload, or a part, its own; it hands one with plain values and no collections back as it is."""
    known: dict[str, Any] = {"new": object.__new__, "cls": cls, "numbers": frozenset({float, NoneType})}
    types = hints(cls)
    tests = [_is_plain(f"value.{name}", hint) for name, hint in types.items()]
    shared = [] if "False" in tests else [f"    if {' and '.join(['type(value) is cls', *tests])}: return value"]
    own = [line for name, hint in types.items() for line in _taking(name, hint, known)]
    lines = ["def take(value):", *shared, "    own = new(cls)", *own, "    return own"]
    exec("\n".join(lines), known)
    made: Taker = known["take"]
    return made


def _is_plain(place: str, hint: Any) -> str:
    """Code that says whether a value is what it is to be, and can be nobody else's."""
    base, may_lack = required(hint)
    if base is float and may_lack:
        return f"type({place}) in numbers"
    lacking = f"{place} is None or " if may_lack else ""
    if base in (float, int, bool):
        return f"({lacking}type({place}) is {base.__name__})"
    if base is str:
        return f"({lacking}type({place}) is str and {place}.isascii())"
    return f"{place} is None" if may_lack else "False"


def _taking(name: str, hint: Any, known: dict[str, Any]) -> list[str]:
    """Lines that take one field. A table is copied and looked through, which is cheaper than making one."""
    set_own = f"own.{name} = {_own('x', hint, known)}"
    if typing.get_origin(hint) is not dict or "False" in (plain := [*map(_is_plain, "ki", typing.get_args(hint))]):
        return [f"    x = value.{name}; {set_own}"]
    return [
        f"    x = value.{name}",
        "    if type(x) is dict:",
        f"        own.{name} = x = x.copy()",
        "        for k, i in x.items():",
        f"            if not ({' and '.join(plain)}): {set_own}; break",
        f"    else: {set_own}",
    ]


def _own(x: str, hint: Any, known: dict[str, Any]) -> str:
    """Code that makes the value under a name its own: the quick way for what is usual, else by `conversion`."""
    base, may_lack = required(hint)
    slow = f"slow_{len(known)}"
    known[slow] = conversion(base)
    own = f"({_quick(x, base, known)} else {slow}({x}))"
    return f"(None if {x} is None else {own})" if may_lack else own


def _quick(x: str, hint: Any, known: dict[str, Any]) -> str:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    key, item = (f"{name}{len(known)}" for name in ("key", "item"))
    if origin is dict:
        names, members = (_own(name, kind, known) for name, kind in zip((key, item), inner, strict=True))
        return f"{{{names}: {members} for {key}, {item} in {x}.items()}} if type({x}) is dict"
    if origin is list:
        return f"[{_own(item, inner[0], known)} for {item} in {x}] if type({x}) is list"
    if is_dataclass(hint):
        part, cls = f"part_{len(known)}", f"cls_{len(known)}"
        known |= {part: taker(typing.cast("type", hint)), cls: hint}
        return f"{part}({x}) if type({x}) is {cls}"
    if hint in (float, int, bool):
        return f"{x} if type({x}) is {hint.__name__}"
    return f"{x} if type({x}) is str and {x}.isascii()" if hint is str else f"{x} if False"
