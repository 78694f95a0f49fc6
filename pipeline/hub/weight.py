"""About how much memory does an event hold? It is asked where events pile up, so the answer is quick and rough.

>>> from nissa.events.kinds import BatchCompleted, RunEnded
>>> weight(BatchCompleted(batch=0, loss=0.5)) < 1_000
True
>>> weight(RunEnded(outcome="failed", error="x" * 1_000_000, duration=1.0)) > 1_000_000
True
"""

from dataclasses import fields, is_dataclass
from functools import cache
from itertools import islice
from sys import getsizeof
from types import NoneType
from typing import Any, get_args, get_type_hints

__all__ = ["FLAT", "weight"]

FLAT = 512
"""Bytes that any event is taken to hold: itself, its numbers and its place in the queue."""
_LOOKED_AT = (16, 4, 1)
"""Items of a container that are looked at, by its depth; the others are taken to be like them."""
_ITEM = 48
"""Bytes of a place in a container, with the number in it."""
_CONTAINERS = (dict, list, tuple, set, frozenset)
_NUMBERS = {int, float, bool, NoneType}
_DEEPEST = 8
"""Containers in each other beyond which nothing is looked for: a list may hold itself."""


def weight(payload: Any, depth: int = 0) -> int:
    """Bytes that a payload, or a part of one, holds, about."""
    held = 0 if depth else FLAT
    for name in _variable(payload.__class__):
        value = getattr(payload, name)
        # Most are names, and a call for each would double the price.
        held += len(value) if type(value) is str else _held(value, depth + 1)
    return held


@cache
def _variable(cls: type[Any]) -> tuple[str, ...]:
    """The fields that are no numbers, and so may be large."""
    if not is_dataclass(cls):
        return ("data",) if hasattr(cls, "data") else ()
    try:
        hints = get_type_hints(cls)
    except NameError:
        hints = {}
    return tuple(f.name for f in fields(cls) if not _is_number(hints.get(f.name)))


def _is_number(hint: Any) -> bool:
    return set(get_args(hint) or [hint]) <= _NUMBERS


def _held(value: Any, depth: int) -> int:
    kind = type(value)
    if kind in _NUMBERS:
        return 0
    if kind is str:
        return len(value)
    if depth > _DEEPEST:
        return 0
    if isinstance(value, _CONTAINERS) and value:
        looked = [*islice(value, _LOOKED_AT[min(depth, len(_LOOKED_AT)) - 1])]
        inside = [*looked, *map(value.__getitem__, looked)] if isinstance(value, dict) else looked
        return len(value) * (_ITEM + sum([_held(item, depth + 1) for item in inside]) // len(looked))
    return weight(value, depth) if is_dataclass(kind) else getsizeof(value)
