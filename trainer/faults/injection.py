"""Where does a fault strike a training, to see whether it is noticed? `nan@env0:ep2:epoch5`, `value_collapse@ep12`.

>>> Injection.parse("loss_spike@env0:ep2:epoch5")
Injection(fault='loss_spike', env=0, episode=2, epoch=5)
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from nissa.operators.policy import COLLAPSE_LIMITS

__all__ = ["FAULTS", "Injection", "Run", "refuse_misplaced"]

FAULTS = {
    "accuracy_drop": "the last layer is zeroed after the epoch's last batch",
    "gradient_explosion": "the gradients of one batch are a million times too large, as from a wrong loss scale",
    "loss_spike": "one batch comes four times too bright, with the labels of other digits",
    "nan": "one pixel of one batch is NaN",
    "seed_overflow": "the weights of seeds that train in isolation, then or next, become 1e38 times as large",
    "entropy_collapse": "from this episode on, the policy does the same whatever it sees",
    "value_collapse": "from this episode on, the critic says the same whatever it sees",
}
"""What is done to the training, by name. The last two are done to the policy, before its episode begins."""

_UPDATES = {"entropy_collapse": COLLAPSE_LIMITS.entropy_updates, "value_collapse": COLLAPSE_LIMITS.value_updates}
"""Faults of the policy, and how many updates in a row make each an alert."""
_FIRST_EPOCH = 2
"""Before it, nothing is usual yet that a fault could differ from."""
_PLACE = re.compile(
    r"(?P<fault>\w+)@(?:env(?P<env>\d{1,9}):)?ep(?P<episode>\d{1,9})(?::epoch(?P<epoch>\d{1,9}))?", re.A
)


class Run(Protocol):
    """What must be known of a run to place a fault in it."""

    @property
    def policy(self) -> str:
        """Name of the policy."""

    @property
    def envs(self) -> int:
        """Environments."""

    @property
    def episodes(self) -> int:
        """Episodes of each of them."""

    @property
    def epochs(self) -> int:
        """Epochs of each episode."""


@dataclass(frozen=True)
class Injection:
    """A fault, and where it strikes. Environments and episodes count from 0, epochs from 1.

    A fault of the policy has neither environment nor epoch.
    """

    fault: str
    env: int | None
    episode: int
    epoch: int | None

    @classmethod
    def parse(cls, text: str) -> "Injection":
        """Read a fault and its place. Raises ValueError, saying what would be right."""
        found = _PLACE.fullmatch(text)
        if not found or found["fault"] not in FAULTS:
            raise ValueError(f"{text!r} is no FAULT@envN:epN:epochN with FAULT one of {', '.join(FAULTS)}")
        fault, env, episode, epoch = found.group("fault", "env", "episode", "epoch")
        if (fault in _UPDATES) != (env is None) or (env is None) != (epoch is None):
            place = "ep12" if fault in _UPDATES else "env0:ep2:epoch5"
            raise ValueError(f"{text!r}: the place of {fault} looks like {fault}@{place}")
        return cls(fault, None if env is None else int(env), int(episode), None if epoch is None else int(epoch))

    def __str__(self) -> str:
        env, epoch = (f"env{self.env}:", f":epoch{self.epoch}") if self.epoch is not None else ("", "")
        return f"{self.fault}@{env}ep{self.episode}{epoch}"


def refuse_misplaced(injections: Iterable[Injection], run: Run) -> None:
    """Raises ValueError on a fault that would not strike in this run, or could not be noticed in it."""
    for injection in injections:
        complaint = _of_policy(injection, run) if injection.fault in _UPDATES else _of_training(injection, run)
        if complaint:
            raise ValueError(f"{injection}: {complaint}")


def _of_training(injection: Injection, run: Run) -> str | None:
    places = {"env": (injection.env, run.envs), "episode": (injection.episode, run.episodes)}
    for name, (asked, there) in places.items():
        if asked is not None and asked >= there:
            return f"there is no {name} {asked}, the last one is {there - 1}"
    if injection.epoch is not None and not _FIRST_EPOCH <= injection.epoch <= run.epochs:
        return f"the epoch must be from {_FIRST_EPOCH} (until then nothing is usual) to {run.epochs}"
    return None


def _of_policy(injection: Injection, run: Run) -> str | None:
    if run.policy != "ppo":
        return f"the policy {run.policy} learns nothing and cannot break, ppo can"
    needed = injection.episode + _UPDATES[injection.fault]
    if injection.episode < (first := COLLAPSE_LIMITS.sound):
        return f"until a figure was sound in {first} updates it cannot collapse, so the earliest place is ep{first}"
    if run.episodes < needed:
        return f"it takes {_UPDATES[injection.fault]} episodes to show, so {needed} are needed, not {run.episodes}"
    return None
