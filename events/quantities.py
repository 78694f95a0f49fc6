"""What is measured, in which unit, and what does it mean? Every number that a log may hold, from the kinds themselves.

>>> [accuracy] = [row for row in quantities() if row.name == "kept_accuracy" and "episode_ended" in row.kinds]
>>> accuracy.unit, accuracy.meaning
('percent', 'Validation accuracy of the network that is kept; None if not measured.')
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple, get_args, get_type_hints

from pydantic import TypeAdapter

from nissa.events.event import Scope
from nissa.events.kind import KINDS

__all__ = ["COUNT", "Quantity", "parts", "quantities", "unit_of"]

COUNT = "count"
"""The unit of whole numbers that have no other."""
_COPIED = "nissa.events.traces"
"""Parts of traces hold copies of what other events tell, under the same names."""


class Quantity(NamedTuple):
    """A number, as one or several kinds tell it."""

    name: str
    unit: str
    meaning: str
    """In words: the docstring of the field."""
    kinds: tuple[str, ...]
    """Kinds of events that have it, or that have parts which do."""
    owners: tuple[type[Any], ...]
    """The payloads and parts that it is a field of."""


def quantities() -> list[Quantity]:
    """By name; a name that means several things has a row for each. Where something happened is no quantity."""
    found: dict[tuple[str, str, str], list[tuple[str, type[Any]]]] = {}
    for kind, payload in KINDS.items():
        for part in parts(payload):
            for number in _numbers(part) if part.__module__ != _COPIED else ():
                found.setdefault(number, []).append((kind, part))
    return [_quantity(number, found[number]) for number in sorted(found)]


def parts(payload: type[Any]) -> list[type[Any]]:
    """A payload's type, and those of all parts inside it."""
    known = [payload]
    for part in known:
        inner = (made for hint in get_type_hints(part).values() for made in _dataclasses(hint))
        known += [made for made in dict.fromkeys(inner) if made not in known]
    return known


def unit_of(schema: Any) -> str | None:
    """Of a number, or of the numbers in a list or a mapping; None where there is none."""
    if isinstance(schema, list):
        return next(filter(None, map(unit_of, schema)), None)
    if not isinstance(schema, dict):
        return None
    if "unit" in schema:
        return str(schema["unit"])
    if schema.get("type") == "integer":
        return COUNT
    return unit_of([schema.get(inside) for inside in ("anyOf", "items", "additionalProperties")])


def _quantity(number: tuple[str, str, str], told: list[tuple[str, type[Any]]]) -> Quantity:
    kinds, owners = dict.fromkeys(kind for kind, _ in told), dict.fromkeys(part for _, part in told)
    return Quantity(*number, tuple(kinds), tuple(owners))


def _dataclasses(hint: Any) -> Iterator[type[Any]]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for argument in get_args(hint):
        yield from _dataclasses(argument)


def _numbers(part: type[Any]) -> Iterator[tuple[str, str, str]]:
    properties = TypeAdapter(part).json_schema().get("properties", {})
    for field in fields(part):
        unit = unit_of(properties[field.name]) if field.name not in Scope._fields else None
        if unit is not None:
            yield field.name, unit, " ".join(properties[field.name]["description"].split())
