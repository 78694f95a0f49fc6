"""Do two networks look in one scope? Their figures would mix under the same names, so that is said."""

from typing import Any
from weakref import WeakKeyDictionary, ref

from torch import nn

from nissa.events.event import Scope
from nissa.pipeline.dispatch import FaultLog

__all__ = ["OneNetwork"]

_Places = dict[tuple[Any, ...], tuple[Scope, "ref[OneNetwork]"]]
_LAST: WeakKeyDictionary[FaultLog, _Places] = WeakKeyDictionary()
"""Who looked last in each environment, by run."""


class OneNetwork:
    """The network of one watch. One that takes the place of another is fine; one that takes it back shares it."""

    __slots__ = ("__weakref__", "_faults", "_held", "_model")

    def __init__(self, faults: FaultLog, model: nn.Module) -> None:
        self._faults, self._model = faults, model
        self._held: Scope | None = None

    def look(self, scope: Scope) -> None:
        """Take note of a look. Another network that looked here meanwhile is counted as a fault, and logged once."""
        here = scope._replace(epoch=None)
        places = _LAST.setdefault(self._faults, {})
        there, last = places.get((here.group, here.env), (None, None))
        rival = last() if last else None
        if there == here == self._held and rival is not None and rival._model is not self._model:
            self._faults.report("watch", RuntimeError(_told(here)))
        places[here.group, here.env] = here, ref(self)
        self._held = here


def _told(here: Scope) -> str:
    at = ", ".join(f"{name} {value}" for name, value in here._asdict().items() if value is not None)
    return (
        f"two networks are watched in one scope ({at}), so their figures mix: "
        'give each an emitter with a scope of its own, Watch(..., emitter=telemetry.scope(group="critic"))'
    )
