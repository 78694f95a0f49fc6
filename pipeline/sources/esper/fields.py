"""How to read one field of an esper-lite event: strictly, but a number that stands in a string is still a number."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nissa.events.codec import MalformedLineError
from nissa.events.kinds import SlotSnapshot

__all__ = [
    "Line",
    "MisfitError",
    "Read",
    "name",
    "number",
    "numbered",
    "stage",
    "texts",
    "truth",
    "whole",
]

_LARGEST = 1 << 63
_RENAMED = {"PRUNED": "CULLED", "PROBATIONARY": "HOLDING"}
_BESIDE = ("event_id", "event_type", "timestamp", "group_id", "data")


class MisfitError(ValueError):
    """A field that is missing, or no value of its type; the message names it."""


@dataclass(slots=True)
class Line:
    """An event of esper-lite, as far as all types are alike."""

    type: str
    """Its type; for a snapshot, which is many types in one, with the snapshot's kind behind it."""
    id: str | None
    time: float
    """Seconds since 1970, UTC."""
    group: str | None
    envelope: dict[str, Any]
    """What else the envelope says and is neither null nor empty: seed_id, slot_id, epoch, message, severity."""
    data: dict[str, Any]
    odd: list[str] = field(default_factory=list)
    """What was mended on the way."""
    taken: set[str] = field(default_factory=set)
    """Fields of the payload that were read into a field of ours, whole."""
    slots: list[SlotSnapshot] | None = None
    """Its `seeds`, once they were read."""

    @classmethod
    def of(cls, row: Any) -> "Line":
        """Raises MalformedLineError on what is no such event."""
        if not isinstance(row, dict):
            raise MalformedLineError("no object")
        if not isinstance(kind := row.get("event_type"), str):
            raise MalformedLineError("event_type: missing, or no name")
        data = {} if row.get("data") is None else row["data"]
        if not isinstance(data, dict):
            raise MalformedLineError("data: no object")
        id, group = row.get("event_id"), row.get("group_id")
        beside = {name: value for name, value in row.items() if name not in _BESIDE and value not in (None, "")}
        if kind == "ANALYTICS_SNAPSHOT" and isinstance(data.get("kind"), str):
            kind = f"{kind} {data['kind']}"
        known = id if isinstance(id, str) else None, _seconds(row.get("timestamp"))
        return cls(kind, *known, group if isinstance(group, str) else None, beside, data)

    @property
    def slot(self) -> Any:
        """Its slot, which the payload did not say before the end of December 2025."""
        return self.envelope.get("slot_id") if self.data.get("slot_id") is None else self.data["slot_id"]

    def read(self, field: str, read: "Read") -> Any:
        """A field of the payload; None if it is not told. Raises MisfitError."""
        if (value := self.data.get(field)) is None:
            return None
        found = read(self, field, value)
        self.taken.add(field)
        return found


Read = Callable[[Line, str, Any], Any]
"""Reads a value, given with its field's name for the message. Raises MisfitError."""


def number(line: Line, field: str, value: Any) -> float:
    """A number, NaN and infinities included."""
    if isinstance(value, str):
        line.odd.append(f"{line.type}.{field}: a number in a string")
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise MisfitError(f"{field}: no number")


def whole(line: Line, field: str, value: Any) -> int:
    """A whole number of at most 63 bits, from 0 up."""
    # Not by way of a float, which has 53 bits.
    exact = value if isinstance(value, int) else number(line, field, value)
    if isinstance(value, bool) or not 0 <= exact < _LARGEST or exact != int(exact):
        raise MisfitError(f"{field}: no whole number from 0")
    return int(exact)


def truth(_: Line, field: str, value: Any) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise MisfitError(f"{field}: neither true nor false")
    return value


def name(_: Line, field: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise MisfitError(f"{field}: no text")
    return value


def stage(line: Line, field: str, value: Any) -> str:
    """A stage by the name that it has here: PRUNED is CULLED, and PROBATIONARY was the old name of HOLDING."""
    told = name(line, field, value)
    return _RENAMED.get(told, told)


def texts(line: Line, field: str, value: Any) -> list[str]:
    """A list of texts."""
    if not isinstance(value, list | tuple):
        raise MisfitError(f"{field}: no list")
    return [name(line, field, item) for item in value]


def numbered(line: Line, field: str) -> int | None:
    """A whole number of the payload that says where the event belongs; None if there is none, or -1 (not yet known)."""
    value = line.data.get(field)
    if value is None or value in (-1, "-1"):
        return None
    try:
        return whole(line, field, value)
    except MisfitError as error:
        line.odd.append(f"{line.type}.{error}")
        return None


def _seconds(told: Any) -> float:
    try:
        moment = told if isinstance(told, datetime) else datetime.fromisoformat(told)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        raise MalformedLineError("timestamp: missing, or no time of day") from None
