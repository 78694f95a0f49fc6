"""The alerts that ask for a closer look: the active ones, and those whose environment has not trained enough since.

Between its episodes an environment trains nothing that could be looked at: an alert that is over asks for nothing until
the next one begins, which may be never.

>>> from nissa.events.vocabulary import LOSS_SPIKE
>>> alerts, spike = OpenAlerts(), (LOSS_SPIKE, "loss")
>>> alerts.add(spike, ("ppo", 0), now=0.0)
>>> alerts.resolve(spike, ("ppo", 0))
>>> for env in (1, 1, 0):
...     alerts.train(("ppo", env), cool_down=2)
>>> alerts.names()
['loss_spike']
>>> alerts.train(("ppo", 0), cool_down=2)
>>> alerts.names()
[]
"""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from nissa.events.event import Env
from nissa.operators.alerts import AlertKey

__all__ = ["MAX_ALERTS", "CoolDown", "GroupEnv", "OpenAlerts"]

MAX_ALERTS = 256
"""Alerts that are followed at a time; of more, the oldest is let go."""

GroupEnv = tuple[str | None, Env | None]
"""Group and environment. What has no environment, as an alert of the policy, is about all of its group, and what has no
group about all of the run."""


@dataclass(slots=True)
class CoolDown:
    """One alert, and how far the time after it has come."""

    where: GroupEnv
    resolved: bool = False
    trained: Counter[GroupEnv] = field(default_factory=Counter)
    """Epochs since it was resolved, by environment."""


@dataclass(slots=True)
class OpenAlerts:
    """The alerts of one run, the oldest first."""

    cool_downs: dict[tuple[AlertKey, GroupEnv], CoolDown] = field(default_factory=dict)
    heard: dict[GroupEnv, float] = field(default_factory=dict)
    """When something was last heard of where the alerts are."""
    between: set[GroupEnv] = field(default_factory=set)
    """Where an episode's end was heard last."""

    def add(self, key: AlertKey, where: GroupEnv, now: float) -> None:
        """An alert was raised. One that was within its cool-down stands again."""
        self.cool_downs.pop((key, where), None)
        self.cool_downs[key, where], self.heard[where] = CoolDown(where), now
        self.between.discard(where)
        if len(self.cool_downs) > MAX_ALERTS:
            self._let_go([next(iter(self.cool_downs))])

    def resolve(self, key: AlertKey, where: GroupEnv) -> None:
        """An alert is over; its cool-down begins."""
        if cool_down := self.cool_downs.get((key, where)):
            cool_down.resolved = True

    def hear(self, where: GroupEnv, now: float) -> bool:
        """An environment is alive. Returns whether it was between episodes until now."""
        began = False
        for about in _about(where):
            if about in self.heard:
                self.heard[about] = now
                if about in self.between:
                    self.between.remove(about)
                    began = True
        return began

    def end(self, where: GroupEnv) -> None:
        """An episode of an environment ended."""
        self.between.update(about for about in _about(where) if about in self.heard)

    def train(self, where: GroupEnv, cool_down: int, epochs: int = 1) -> None:
        """An environment completed epochs. Let go what has been watched for `cool_down` since it was resolved."""
        for alert in self.cool_downs.values():
            if alert.resolved and alert.where in _about(where):
                alert.trained[where] += epochs
        resolved = [(key, alert) for key, alert in self.cool_downs.items() if alert.resolved]
        self._let_go([key for key, alert in resolved if max(alert.trained.values(), default=0) >= cool_down])

    def lapse(self, now: float, patience: float) -> None:
        """Let go what is about environments that have been silent for more than `patience` seconds."""
        silent = {where for where, heard in self.heard.items() if now - heard > patience}
        self._let_go([key for key, alert in self.cool_downs.items() if alert.where in silent])

    def names(self) -> list[str]:
        """The alerts that ask for a look now, each once."""
        asking = [key for key, alert in self.cool_downs.items() if not (alert.resolved and alert.where in self.between)]
        return list(dict.fromkeys(alert.name for (alert, _), _ in asking))

    def _let_go(self, keys: Collection[tuple[AlertKey, GroupEnv]]) -> None:
        if keys:
            for key in keys:
                del self.cool_downs[key]
            kept = {alert.where for alert in self.cool_downs.values()}
            self.heard = {where: heard for where, heard in self.heard.items() if where in kept}
            self.between &= kept


def _about(where: GroupEnv) -> Iterable[GroupEnv]:
    """Where an alert may have been raised that is about this environment."""
    group, env = where
    return (group, env), (group, None), (None, env), (None, None)
