"""What was done to a whole run? Faults that were injected on purpose, new fidelities, new learning rates of a policy.

Injected faults are those that `run_started.hyperparameters["injections"]` names, as `nan@env0:ep2:epoch5` for one of a
training and `value_collapse@ep12` for one of the policy, from that episode on. In which batch one strikes is not told.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from nissa.events.event import Env, Event
from nissa.events.kinds import FidelityChanged, PolicyUpdated, RunStarted
from nissa.operators.fold import EnvKey, Keyed
from nissa.operators.traces.happenings import Happening

__all__ = ["MAX_INJECTIONS", "RunHappenings"]

MAX_INJECTIONS = 256
"""Of one run that are known."""
_PLACE = re.compile(r"(?P<fault>\w+)@(?:env(?P<env>\d+):)?ep(?P<episode>\d+)(?::epoch(?P<epoch>\d+))?", re.ASCII)
_NEWS = 0.1
"""Share by which a learning rate must change at once: a schedule changes it a little with every update."""


class _Injected(NamedTuple):
    env: int | None
    episode: int
    done: Happening

    def strikes(self, env: Env | None, episode: int | None) -> bool:
        """Whether it is one of a training, in this episode."""
        return self.done.epoch is not None and (self.env, self.episode) == (env, episode)

    def strikes_policy(self, episode: int | None) -> bool:
        """Whether it is one of the policy, and has struck by this episode."""
        return self.done.epoch is None and self.env is None and episode is not None and self.episode <= episode


@dataclass(slots=True)
class RunHappenings:
    """What was done to one run."""

    injected: list[_Injected] = field(default_factory=list)
    recent: deque[tuple[str | None, Env | None, Happening]] = field(default_factory=lambda: deque(maxlen=32))
    """Group and environment that each is about; None for all."""
    rates: Keyed[float | None] = field(default_factory=lambda: Keyed(lambda: None, limit=256))
    """Learning rates by the group and environment of a policy."""

    def take(self, event: Event[Any]) -> None:
        """Take a start, an update or a change of fidelity in."""
        if isinstance(event.payload, RunStarted):
            self.injected = list(_injected(event.payload.hyperparameters.get("injections")))[:MAX_INJECTIONS]
        elif isinstance(event.payload, FidelityChanged):
            self._fidelity(event)
        else:
            self._rate(event)

    def about(self, key: EnvKey, episode: int | None, policy: bool) -> Iterator[Happening]:
        """What was done to an episode of an environment, or to the policy that acts in it."""
        for group, env, done in self.recent:
            if group in (None, key[1]) and env in (None, key[2]):
                yield done
        for fault in self.injected:
            if fault.strikes_policy(episode) if policy else fault.strikes(key[2], episode):
                yield fault.done

    def _fidelity(self, event: Event[FidelityChanged]) -> None:
        change = event.payload
        if change.level != change.before:
            what = f"fidelity from {change.before} to {change.level}: probes look otherwise ({change.clause})"
            self.recent.append((None, None, Happening(event.seq, event.scope.epoch, "fidelity", None, what)))

    def _rate(self, event: Event[PolicyUpdated]) -> None:
        policy, rate = event.scope[1:3], event.payload.learning_rate
        before = self.rates[policy]
        if rate is None or not isfinite(rate):
            return
        self.rates[policy] = rate
        if before is not None and abs(rate - before) > _NEWS * abs(before):
            what = f"learning rate of the policy from {before:.3g} to {rate:.3g}"
            # The update that tells it was made with it: an alert on that update came after.
            done = Happening(event.seq - 1, event.scope.epoch, "learning_rate", None, what, disturbs=True)
            self.recent.append((*policy, done))


def _injected(told: Any) -> Iterator[_Injected]:
    """Faults by name and place; what another trainer calls injections may be anything."""
    for one in told if isinstance(told, list | tuple) else ():
        if isinstance(one, str) and (found := _PLACE.fullmatch(one)):
            env, epoch = (None if (text := found[name]) is None else int(text) for name in ("env", "epoch"))
            since = f", from episode {found['episode']} on" if epoch is None else ""
            what = f"the fault {found['fault']} injected on purpose{since}"
            done = Happening(0, epoch, "injection", found["fault"], what, disturbs=True)
            yield _Injected(env, int(found["episode"]), done)
