"""Where an event happened, and the event itself: a payload with its scope, number and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from typing import Any, Generic, NamedTuple, TypeVar

from nissa.events.kind import Payload

__all__ = ["Env", "Event", "Scope", "natural_order"]

Env = int | str
"""Which environment: a number or a name, as the trainer gave it. `5` and `"5"` are two."""


def natural_order(name: object) -> tuple[int, int, str]:
    """What environments, and whatever else has a name, are sorted by: no name, then numbers by size, then text.

    >>> sorted([10, "walker", "5", None, 5], key=natural_order)
    [None, 5, 10, '5', 'walker']
    """
    if name is None:
        return 0, 0, ""
    return (1, name, "") if isinstance(name, int) else (2, 0, str(name))


P_co = TypeVar("P_co", bound=Payload, covariant=True)


class Scope(NamedTuple):
    """Where something happened. What does not apply is None."""

    run: str
    """Name of the run, unique among the runs that one Prometheus sees."""
    group: str | None = None
    """Arm of a comparison (A/B), such as the policy."""
    env: Env | None = None
    """Environment: a whole number or a name."""
    episode: int | None = None
    """Episode of this environment, from 0."""
    epoch: int | None = None
    """Host epoch inside the episode, from 1; 0 is the host before its first epoch."""

    def at(self, **where: Any) -> "Scope":
        """This place but for what is given. Raises TypeError on what a reader of the log would refuse."""
        return self._replace(**{name: _placed(name, value) for name, value in where.items()})


_FORMS = {"run": "a name", "group": "a name", "env": "a whole number or a name"}


def _placed(name: str, value: Any) -> Any:
    if name not in Scope._fields:
        raise TypeError(f"there is no scope {name!r}: {', '.join(Scope._fields[1:])} say where something happens")
    form = _FORMS.get(name, "a whole number from 0")
    if value is None or (isinstance(value, str) and "name" in form):
        return value if value is None else str.__str__(value)
    if "number" in form and hasattr(value, "__index__") and (name == "env" or value >= 0):
        return index(value)
    raise TypeError(f"{name} must be {form}, not {value!r}")


@dataclass(slots=True, eq=False)
class Event(Generic[P_co]):
    """One thing that happened, or (ordinal > 0) one thing that an operator derived from it.

    Nobody mutates an event: it is shared by all operators and sinks. It is not frozen because the hub makes one
    for each emission, and frozen costs three times as much; a test holds that nothing writes to it.
    """

    seq: int
    """Strictly increasing in a run, taken at emission. A derived event bears the number of its cause."""
    time: float
    """Seconds since 1970, UTC, at emission."""
    scope: Scope
    payload: P_co
    ordinal: int = 0
    """0 = emitted; n = the n-th event derived from `seq`."""
    extra: Mapping[str, Any] | None = None
    """Fields that a newer writer knew and this reader does not, as they were read; under "foreign", what another system
    told beyond the payload."""
