"""Numbers by name: whatever a trainer wants to see over time and no other kind has a field for."""

from nissa.events.kind import Importance, Payload, kind
from nissa.events.units import Count, Real

__all__ = ["ScalarsLogged"]


@kind(Importance.BULK)
class ScalarsLogged(Payload):
    """Numbers that the trainer named itself."""

    values: dict[str, Real]
    """By name, such as "lr" or "grad_scale"; the unit is the trainer's."""
    step: Count | None = None
    """The trainer's own count at which they were so, such as its optimizer's steps; None if not told."""
