"""Which alerts ask for a closer look? Those that stand, and those whose environment has not trained enough since.

Between its episodes an environment trains nothing that could be looked at: an alert that is over asks for nothing until
the next one begins, which may be never.

>>> holds = Holds()
>>> spike = ("loss_spike", "loss", "warning")
>>> holds.add(spike, ("ppo", 0), now=0.0)
>>> holds.resolve(spike, ("ppo", 0))
>>> for env in (1, 1, 0):
...     holds.train(("ppo", env), cool_down=2)
>>> holds.names()
['loss_spike']
>>> holds.train(("ppo", 0), cool_down=2)
>>> holds.names()
[]
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

__all__ = ["MAX_HOLDS", "Hold", "Holds", "Place", "What"]

MAX_HOLDS = 256
"""Alerts that are followed at a time; of more, the oldest is let go."""

Place = tuple[str | None, int | None]
"""Group and environment. What has no environment, as an alert of the policy, is about all of its group, and what has no
group about all of the run."""
What = tuple[str, str | None, str]
"""Name, subject and severity of an alert, which tell it from others of its place."""


@dataclass(slots=True)
class Hold:
    """One alert."""

    place: Place
    resolved: bool = False
    trained: Counter[Place] = field(default_factory=Counter)
    """Epochs since it was resolved, by environment."""


@dataclass(slots=True)
class Holds:
    """The alerts of one run, the oldest first."""

    holds: dict[tuple[What, Place], Hold] = field(default_factory=dict)
    heard: dict[Place, float] = field(default_factory=dict)
    """When something was last heard of the places of the alerts."""
    between: set[Place] = field(default_factory=set)
    """Those places of which an episode's end was heard last."""

    def add(self, what: What, place: Place, now: float) -> None:
        """An alert was raised. One that was within its cool-down stands again."""
        key = (what, place)
        self.holds.pop(key, None)
        self.holds[key], self.heard[place] = Hold(place), now
        self.between.discard(place)
        if len(self.holds) > MAX_HOLDS:
            self._let_go([next(iter(self.holds))])

    def resolve(self, what: What, place: Place) -> None:
        """An alert is over; its cool-down begins."""
        if hold := self.holds.get((what, place)):
            hold.resolved = True

    def hear(self, place: Place, now: float) -> bool:
        """An environment is alive. Returns whether it was between episodes until now."""
        began = False
        for about in _about(place):
            if about in self.heard:
                self.heard[about] = now
                if about in self.between:
                    self.between.remove(about)
                    began = True
        return began

    def end(self, place: Place) -> None:
        """An episode of an environment ended."""
        self.between.update(about for about in _about(place) if about in self.heard)

    def train(self, place: Place, cool_down: int) -> None:
        """An environment completed an epoch. Let go what has been watched for `cool_down` since it was resolved."""
        for hold in self.holds.values():
            if hold.resolved and hold.place in _about(place):
                hold.trained[place] += 1
        resolved = [(key, hold) for key, hold in self.holds.items() if hold.resolved]
        self._let_go([key for key, hold in resolved if max(hold.trained.values(), default=0) >= cool_down])

    def lapse(self, now: float, patience: float) -> None:
        """Let go what is about environments that have been silent for more than `patience` seconds."""
        silent = {place for place, heard in self.heard.items() if now - heard > patience}
        self._let_go([key for key, hold in self.holds.items() if hold.place in silent])

    def names(self) -> list[str]:
        """The alerts that ask for a look now, each once."""
        asking = [what for (what, place), hold in self.holds.items() if not (hold.resolved and place in self.between)]
        return list(dict.fromkeys(what[0] for what in asking))

    def _let_go(self, keys: Collection[tuple[What, Place]]) -> None:
        if keys:
            for key in keys:
                del self.holds[key]
            places = {hold.place for hold in self.holds.values()}
            self.heard = {place: heard for place, heard in self.heard.items() if place in places}
            self.between &= places


def _about(place: Place) -> Iterable[Place]:
    """Where an alert may have been raised that is about this environment."""
    group, env = place
    return (group, env), (group, None), (None, env), (None, None)
