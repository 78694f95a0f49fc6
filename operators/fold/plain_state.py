"""A fold's state as plain data, and back: lists, strings, finite numbers, booleans and None, as JSON holds them.

A list stands for whatever is no such value itself. It begins with the number of a form, of which there is one table for
the whole state: the name of a class and, where it has fields, their names. What can change and is in several places is
told once, and counted; in the others its number stands, from -1 down. Nothing is imported, and nothing called, by a
name in the data. How a `Keyed` makes its values is not in it: that is taken from a fresh state.

>>> shared = [0.5, float("nan")]
>>> forms, plain = plain_state({("ppo", 1): deque([shared, shared], maxlen=8)})
>>> forms
[['dict'], ['tuple'], ['deque'], ['list'], ['float']]
>>> plain
[0, [1, 'ppo', 1], [2, 8, [3, 0.5, [4, 'nan']], [-3]]]
>>> state_of(forms, plain, {})
{('ppo', 1): deque([[0.5, nan], [0.5, nan]], maxlen=8)}
"""

import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import chain
from math import isfinite
from random import Random
from typing import Any

from nissa.events.kind import KINDS
from nissa.operators.fold.keyed import Keyed

__all__ = ["UnreadableStateError", "plain_state", "state_of"]

_LARGEST = 1 << 63
"""Whole numbers from minus this to below it are themselves, as every reader of JSON knows them."""
_OURS = ("nissa.events.", "nissa.operators.")
"""Modules whose classes may be in a state, besides those of the fold's own."""
_UNFINISHED = object()


class UnreadableStateError(ValueError):
    """Plain data that is no state of this fold as it is now: fold the log anew, from its first event."""


def plain_state(state: Any) -> tuple[list[list[str]], Any]:
    """The forms that a state has, and the state in them. Raises TypeError on what has no plain form, as a function."""
    dump = _Dump()
    plain = dump.plain(state)
    return [_form(cls) for cls in dump.forms], plain


def state_of(forms: Sequence[Sequence[str]], plain: Any, fresh: Any, modules: Collection[str] = ()) -> Any:
    """The state again; `modules` are those of the fold's own classes. Raises UnreadableStateError."""
    try:
        return _Load([_known(form, modules) for form in forms]).value(plain, fresh)
    except UnreadableStateError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableStateError(f"this is no dumped state: {error!r}") from error


class _Dump:
    """A state that is taken apart."""

    def __init__(self) -> None:
        self.forms: dict[type, int] = {}
        self.told: dict[int, int] = {}
        """Numbers of what can change, by identity."""

    def plain(self, value: Any) -> Any:
        cls: Any = type(value)
        if cls is str or cls is bool or value is None:
            return value
        if (cls is float and isfinite(value)) or (cls is int and -_LARGEST <= value < _LARGEST):
            return value
        if _changes(cls):
            if (number := self.told.get(id(value))) is not None:
                return [number]
            self.told[id(value)] = -1 - len(self.told)
        plain: list[Any] = [self.forms.setdefault(cls, len(self.forms))]
        plain += map(self.plain, _parts(cls)(value))
        return plain


class _Load:
    """A state that is put together."""

    def __init__(self, forms: Sequence[type]) -> None:
        self.forms = forms
        self.told: list[Any] = []

    def value(self, plain: Any, fresh: Any = None) -> Any:
        """`fresh` is what stands at this place in a state that has seen nothing, if there is anything."""
        if plain is None or isinstance(plain, str | bool | int | float):
            return plain
        number, *parts = plain
        if number < 0:
            return self._told(number)
        cls, place = self.forms[number], len(self.told)
        if not _changes(cls):
            return self._made(cls, parts, fresh)
        self.told.append(_UNFINISHED)
        self.told[place] = made = self._made(cls, parts, fresh)
        return made

    def _told(self, number: int) -> Any:
        if (value := self.told[-1 - number]) is _UNFINISHED:
            raise UnreadableStateError("this is no dumped state: something in it is a part of itself")
        return value

    def _made(self, cls: type, parts: Sequence[Any], fresh: Any) -> Any:
        if cls is Keyed:
            return self._table(parts, fresh)
        if cls in _BUILT_IN:
            return _BUILT_IN[cls][1]([self.value(part) for part in parts])
        alike, names = fresh if type(fresh) is cls else None, _fields(cls)
        values = [self.value(part, getattr(alike, name, None)) for name, part in zip(names, parts, strict=True)]
        if issubclass(cls, tuple):
            return tuple.__new__(cls, values)
        made = object.__new__(cls)
        for name, value in zip(names, values, strict=True):
            # A frozen one lets nobody else in.
            object.__setattr__(made, name, value)
        return made

    def _table(self, parts: Sequence[Any], fresh: Any) -> Keyed[Any]:
        if not isinstance(fresh, Keyed):
            raise UnreadableStateError(f"a fresh state has no table where this one has one, but {fresh!r}")
        table, alike = fresh.like(), fresh.make()
        for key, value in _pairs(parts):
            table.items[self.value(key)] = self.value(value, alike)
        return table


def _form(cls: type) -> list[str]:
    return [cls.__name__] if cls in _NAMES.values() else [f"{cls.__module__}.{cls.__qualname__}", *_fields(cls)]


def _known(form: Sequence[str], modules: Collection[str]) -> type:
    """The class of a form, if it is one that a state may have, and is loaded, and has these fields."""
    name, *names = form
    if name in _NAMES and not names:
        return _NAMES[name]
    module, _, own = name.rpartition(".")
    cls = vars(sys.modules.get(module, object)).get(own)
    if not isinstance(cls, type) or not (module.startswith(_OURS) or module in modules):
        raise UnreadableStateError(f"no state of this fold has a {name}")
    if names != [*_fields(cls)]:
        raise UnreadableStateError(f"{name} has the fields {', '.join(_fields(cls))}, not {', '.join(names)}")
    return cls


@cache
def _fields(cls: Any) -> Sequence[str]:
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return tuple(cls._fields)
    if is_dataclass(cls):
        return tuple(field.name for field in fields(cls))
    if slots := tuple(name for base in reversed(cls.__mro__) for name in vars(base).get("__slots__", ())):
        return slots
    raise TypeError(f"{cls.__name__} has no plain form: it has neither fields nor slots")


@cache
def _changes(cls: Any) -> bool:
    """Whether it matters if two are the same, or alike."""
    frozen = is_dataclass(cls) and getattr(cls, "__dataclass_params__").frozen  # noqa: B009  # typeshed hides it
    return not (frozen or issubclass(cls, _VALUES))


@cache
def _parts(cls: Any) -> Callable[[Any], Iterable[Any]]:
    """What takes a value of a class apart."""
    if cls is Keyed:
        return lambda table: chain.from_iterable(table.items.items())
    if cls in _BUILT_IN:
        return _BUILT_IN[cls][0]
    names = _fields(cls)
    return lambda value: [getattr(value, name) for name in names]


def _pairs(parts: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return zip(parts[::2], parts[1::2], strict=True)


def _items(mapping: Mapping[Any, Any]) -> Iterable[Any]:
    return chain.from_iterable(mapping.items())


def _sorted(values: Iterable[Any]) -> Iterable[Any]:
    """That of a set differs from process to process."""
    return sorted(values, key=repr)


def _random(state: Sequence[Any]) -> Random:
    made = Random()
    made.setstate(tuple(state))
    return made


_VALUES = (int, float, tuple, frozenset, type)
_BUILT_IN: Mapping[type, tuple[Callable[[Any], Iterable[Any]], Callable[[list[Any]], Any]]] = {
    int: (lambda value: [str(value)], lambda parts: int(*parts)),
    float: (lambda value: [str(value)], lambda parts: float(*parts)),
    list: (iter, list),
    tuple: (iter, tuple),
    set: (_sorted, set),
    frozenset: (_sorted, frozenset),
    deque: (lambda values: [values.maxlen, *values], lambda parts: deque(parts[1:], parts[0])),
    dict: (_items, lambda parts: dict(_pairs(parts))),
    OrderedDict: (_items, lambda parts: OrderedDict(_pairs(parts))),
    Counter: (_items, lambda parts: Counter(dict(_pairs(parts)))),
    Random: (Random.getstate, _random),
    type: (lambda kind: [kind.kind], lambda parts: KINDS[parts[0]]),
}
"""How values are taken apart, and made of their parts; a type is a kind of events."""
_NAMES: Mapping[str, type] = {cls.__name__: cls for cls in (*_BUILT_IN, Keyed)}
