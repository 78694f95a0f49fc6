"""A payload that shares nothing with the trainer.

>>> from nissa.events.training import BatchCompleted
>>> norms = {"early": 1}
>>> batch = taken(BatchCompleted(batch=0, loss=2, seed_grad_norms=norms), print)
>>> norms["early"] = 9
>>> batch.loss, batch.seed_grad_norms
(2.0, {'early': 1.0})
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any, TypeVar

from nissa.events.kind import Payload
from nissa.events.salvage import shown
from nissa.events.scalars import ScalarsLogged
from nissa.events.taking.conversions import conversion, hints, required
from nissa.events.taking.takers import Taker, taker

__all__ = ["NoEventError", "UnreadableValueError", "taken"]

P = TypeVar("P", bound=Payload)
_LONGEST = 100


class NoEventError(TypeError):
    """Something else is where an event should be."""

    def __init__(self, given: object) -> None:
        what = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        log = ", and log({...}) takes numbers by name" if isinstance(given, Mapping) else ""
        super().__init__(f"{what} is no event: BatchCompleted(batch=0, loss=0.7) is one{log}")


class UnreadableValueError(ValueError):
    """A value that no reader would take. `field` is the name of its kind and its own."""

    def __init__(self, field: str, value: object, error: Exception) -> None:
        super().__init__(f"{field}: {_cut(str(error))} (it is {_short(value)})")
        self.field = field


def taken(payload: P, doubt: Callable[[UnreadableValueError], None]) -> P:
    """A payload with plain values of its own: the same object where it holds no others.

    A value that a reader would refuse is None where the field may be, and `doubt` hears of it. Of scalars by name, the
    others stay. Raises UnreadableValueError where it may not, and NoEventError on what is no event kind.
    """
    take = _takers.get(type(payload)) or _learned(payload)
    try:
        own: P = take(payload)
    except Exception:  # noqa: BLE001  # a value's own methods may raise anything
        own = _mended(payload, doubt)
    return own


_takers: dict[type, Taker] = {}


def _learned(payload: object) -> Taker:
    cls = type(payload)
    if not hasattr(cls, "kind"):
        raise NoEventError(payload)
    return _takers.setdefault(cls, taker(cls) if is_dataclass(cls) else _as_it_is)


def _as_it_is(payload: Any) -> Any:
    return payload


def _mended(payload: Any, doubt: Callable[[UnreadableValueError], None]) -> Any:
    """The payload without what cannot be read."""
    cls: Any = type(payload)
    own = object.__new__(cls)
    for name, hint in hints(cls).items():
        value = getattr(payload, name)
        try:
            setattr(own, name, conversion(hint)(value))
        except Exception as error:  # noqa: BLE001  # as above
            unreadable = UnreadableValueError(f"{cls.kind}.{name}", value, error)
            left = _readable(value, conversion(hint)) if cls is ScalarsLogged else None
            if left is None and not required(hint)[1]:
                raise unreadable from None
            setattr(own, name, left)
            doubt(unreadable)
    return own


def _readable(values: Any, take: Callable[[Any], Any]) -> dict[str, float] | None:
    """Of numbers by name, those that can be read, because they have nothing to do with each other; None without any."""
    found: dict[str, float] = {}
    with suppress(Exception):
        for name, value in values.items():
            with suppress(Exception):
                found |= take({name: value})
    return found or None


def _short(value: object) -> str:
    # To show an array that lies on a device would wait for it.
    return f"a {type(value).__name__}" if hasattr(value, "device") else _cut(shown(value))


def _cut(told: str) -> str:
    return told if len(told) <= _LONGEST else told[: _LONGEST - 3] + "..."
