"""What makes a dataclass an event kind: its name, and how long it is kept when space runs out.

A kind is one class:

>>> @kind(Importance.BULK)
... class LayerFrozen(Payload):
...     layer: str
>>> LayerFrozen.kind, LayerFrozen(layer="conv1")
('layer_frozen', LayerFrozen(layer='conv1'))
>>> del KINDS["layer_frozen"]
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeVar, dataclass_transform

from pydantic import ConfigDict

__all__ = ["KINDS", "Importance", "Payload", "kind", "part"]


_CONFIG = ConfigDict(use_attribute_docstrings=True, coerce_numbers_to_str=True)
"""Field docstrings become descriptions; a name that was given as a number is read as the name that it stands for."""


class Importance(IntEnum):
    """Who is shed first when a buffer is full: the lowest."""

    BULK = 0
    """Many a second, each of little worth alone: batches, phase times."""
    ROUTINE = 1
    """The regular rows of an analysis: epochs, decisions, gates, updates."""
    LIFECYCLE = 2
    """What happened once and cannot be told from anything else: runs, episodes, seeds, stages."""


class Payload:
    """What an emitter knows of an event. Where it happened is the `Scope`; `seq` and `time` are the hub's."""

    __slots__ = ()
    __pydantic_config__ = _CONFIG

    kind: str
    importance: Importance
    derived: bool


KINDS: dict[str, type[Payload]] = {}
"""Every kind by its name on the wire, in the order of declaration."""

P = TypeVar("P", bound=Payload)
T = TypeVar("T")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def kind(importance: Importance, *, derived: bool = False) -> Callable[[type[P]], type[P]]:
    """Make a class a slotted, keyword-only event kind, registered under its name in snake case.

    Type checkers see it as frozen. At run time it is not, because `frozen=True` triples the price of making one
    in the training loop; a test holds that nothing mutates a payload. `derived` marks what operators compute.

    A cell of a notebook that is run again, or a module that is loaded again, declares its kind anew, and the last
    declaration counts. Raises ValueError where another class has the same name.
    """

    def declare(cls: type[P]) -> type[P]:
        made = dataclass(slots=True, kw_only=True)(cls)
        made.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        made.importance, made.derived = importance, derived
        known = KINDS.get(made.kind)
        if known and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ValueError(f"event kind {made.kind!r} is declared twice, in {known.__module__} and {cls.__module__}")
        KINDS[made.kind] = made
        return made

    return declare


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def part(cls: type[T]) -> type[T]:
    """Make a class a value inside a payload: slotted, keyword-only, frozen to type checkers."""
    cls.__pydantic_config__ = _CONFIG  # type: ignore[attr-defined]
    return dataclass(slots=True, kw_only=True)(cls)
