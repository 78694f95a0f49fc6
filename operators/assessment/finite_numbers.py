"""Is any number in a payload NaN or infinite? Nearly always none is, so that one sum answers for all of them.

>>> finite({"a": 1.0, "b": [2.0, None]}), finite({"a": float("nan")}), finite([1e308, 1e308])
(True, False, True)
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from numbers import Real
from operator import attrgetter
from types import NoneType
from typing import Any

__all__ = ["all_finite", "finite"]

_ALWAYS = frozenset({NoneType, str, int, bool})
"""What is never broken."""


def finite(value: Any) -> bool:
    """Whether no number in a payload, or in a part of one, is NaN or infinite."""
    cls: Any = type(value)
    return _reader(cls)(value)


def all_finite(values: Collection[Any]) -> bool:
    """The same of several. A sum is finite only if each term is; where it is not, it may be no more than too large."""
    total = 0.0
    for value in values:
        cls: Any = type(value)
        if cls is float:
            total += value
        elif cls not in _ALWAYS and not _reader(cls)(value):
            return False
    return isfinite(total) or all(isfinite(value) for value in values if type(value) is float)


@cache
def _reader(cls: type) -> Callable[[Any], bool]:
    """How to tell that of all values of a class: to ask each of them what it is would be most of the work."""
    if issubclass(cls, Real):
        return isfinite
    if is_dataclass(cls) and (names := [f.name for f in fields(cls)]):
        # Of a single name it would give no tuple.
        read = attrgetter(*names, names[0])
        return lambda value: all_finite(read(value))
    if issubclass(cls, Mapping):
        return lambda value: all_finite(value.values())
    return all_finite if issubclass(cls, list) else lambda _: True
