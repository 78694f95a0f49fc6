"""What number, truth or text does a value of a trainer's stand for? The same that a reader of the log would find.

>>> real(3), whole(2.0), text(7), truth(1)
(3.0, 2, '7', True)
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nissa.events.salvage import salvaged

__all__ = ["items", "label", "mapping", "real", "text", "truth", "whole"]


def real(value: Any) -> float:
    """A float, also of a tensor or an array with one element. Raises TypeError or ValueError on what is no number."""
    value = _item(value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def whole(value: Any) -> int:
    """An int. Raises as `real`, and on a number that is not whole."""
    number = int(value := _item(value))
    if not isinstance(value, str) and number != value:
        raise ValueError("must be a whole number")
    return number


def truth(value: Any) -> bool:
    """A bool. Raises as `real`, and on a number that is neither 0 nor 1."""
    if (value := _item(value)) in (0, 1):
        return bool(value)
    raise ValueError("must be true or false")


def text(value: Any) -> str:
    """A text: a name that was given as a number, the repr of an object. Raises TypeError on a collection, or None."""
    found = salvaged(value)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return str(found)
    if isinstance(found, str):
        return found
    raise TypeError("must be a text")


def label(value: Any) -> int | str:
    """A whole number or a text, whichever it is. Raises as they do."""
    return text(value) if isinstance(value, str) else whole(value)


def items(value: Any) -> Iterable[Any]:
    """The elements of a list, of anything like it, or of an array. Raises TypeError on what is none."""
    if hasattr(value, "tolist"):
        value = _here(value).tolist()
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
        raise TypeError("must be a list")
    found: Iterable[Any] = value
    return found


def mapping(value: Any) -> Mapping[Any, Any]:
    """A mapping as it is. Raises TypeError on what is none."""
    if not isinstance(value, Mapping):
        raise TypeError("must be a mapping")
    return value


def _item(value: Any) -> Any:
    """The one element of an array; another value as it is."""
    if value is None:
        raise TypeError("must be told")
    if not hasattr(value, "item"):
        return value
    read: Callable[[], Any] = _here(value).item
    try:
        return read()
    except RuntimeError as error:  # torch has no better name for a tensor of many elements
        raise TypeError(str(error)) from None


def _here(array: Any) -> Any:
    """An array, if reading it makes nobody wait."""
    device = getattr(array, "device", "cpu")
    kind = getattr(device, "type", None) or getattr(device, "platform", device)
    if kind != "cpu":
        raise ValueError(f"is on {device}, and reading it would make training wait: call .item() where it waits anyway")
    return array
