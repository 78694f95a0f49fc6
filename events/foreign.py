"""What another system's telemetry says and Nissa has no kind for: carried whole, so that it can be queried later.

A translated event keeps what its kind has no field for in the event's `extra`, under FOREIGN, with the id and the type
that it had over there.
"""

from typing import Any

from nissa.events.kind import Importance, Payload, kind

__all__ = ["FOREIGN", "ForeignEventCarried"]

FOREIGN = "foreign"
"""Key in an event's `extra` of what the other system said beyond the payload."""


@kind(Importance.ROUTINE)
class ForeignEventCarried(Payload):
    """An event of another system, as it was. Nothing is derived from it."""

    system: str
    """Whose it is, such as "esper-lite"."""
    type: str
    """Its type over there."""
    id: str | None = None
    """Its id over there, if it has one."""
    envelope: dict[str, Any]
    """What it says around its payload, such as severity and message."""
    data: dict[str, Any]
    """Its payload."""
    reason: str | None = None
    """Why it was not translated, where others of its type are; None for a type without a counterpart."""
