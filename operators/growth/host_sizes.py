"""How large is the host? Told when a run, an episode or its twin begins; what is told nearest holds.

>>> from nissa.events.event import Scope
>>> from nissa.events.kinds import RunStarted
>>> sizes, here = HostSizes(), Scope("run", "ppo", 0, 3)
>>> sizes.note(Scope("run"), 1250)
>>> sizes.of(here), sizes.of(Scope("other"))
(1250, None)
"""

from dataclasses import dataclass, field

from nissa.events.event import Scope
from nissa.operators.fold import Keyed, merge_disjoint

__all__ = ["HostSizes"]


def _nothing() -> int | None:
    return None


@dataclass(slots=True)
class HostSizes:
    """Trainable parameters of hosts before any seed, by the scope in which they were told."""

    told: Keyed[int | None] = field(default_factory=lambda: Keyed(_nothing))

    def note(self, scope: Scope, params: int | None) -> None:
        """Take a size in; None is none."""
        if params is not None:
            self.told[scope[:4]] = int(params)

    def of(self, scope: Scope) -> int | None:
        """The size in a scope: of its episode, else its environment, its group, its run; None if none was told."""
        run, group, env, episode = scope[:4]
        places = (
            (run, group, env, episode),
            (run, group, env, None),
            (run, group, None, None),
            (run, None, None, None),
        )
        return next((size for place in places if (size := self.told.items.get(place)) is not None), None)

    def merge(self, other: "HostSizes") -> "HostSizes":
        """Those of two parts of a stream."""
        return HostSizes(merge_disjoint(self.told, other.told))
