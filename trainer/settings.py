"""What can be chosen about a run of the reference trainer, and everything that is fixed, by name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from nissa.trainer.data import BATCH_SIZE
from nissa.trainer.faults import Injection, refuse_misplaced
from nissa.trainer.growth import PATIENCE
from nissa.trainer.network import BLUEPRINTS, GATES, LEARNING_RATE
from nissa.trainer.policy import HEADS, HYPERPARAMETERS
from nissa.trainer.training import MAX_NORM

__all__ = ["POLICIES", "SWITCHES", "Settings", "host_hyperparameters"]

_LARGEST_SEED = 2**32 - 1
"""What numpy takes; each environment has one of its own."""
_WIDEST = 16
"""Such a host has 300,000 parameters."""
POLICIES = ("ppo", "random", "heuristic", "never")
"""`random` decides like `ppo` before its first update, and never learns."""
SWITCHES = ("unisolated", "blueprint_prior", "compute_cost", "diagnostics")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`envs` environments that train `episodes` episodes each, of `epochs` host epochs, under one policy.

    Environment i draws everything from `seed` + i. `injections` are faults that the training suffers on purpose.
    `widths` are those of hosts that are trained alone beside environment 0, by that of its own.
    The others are switches, for a study to say what they bring: with `unisolated`, a seed takes part in full as soon as
    it germinates; `blueprint_prior` adds the logarithm of a blueprint's success rate so far to its logit;
    `compute_cost` takes the operations of the seeds off the reward; `diagnostics` adds losses and gradients to what the
    policy sees.
    Raises ValueError, naming the value and what is allowed.
    """

    policy: str = "ppo"
    envs: int = 4
    episodes: int = 3
    epochs: int = 45
    seed: int = 0
    unisolated: bool = False
    blueprint_prior: bool = False
    compute_cost: bool = False
    diagnostics: bool = False
    injections: tuple[Injection, ...] = ()
    widths: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}, not {self.policy!r}")
        for name in ("envs", "episodes", "epochs"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        if not 0 <= self.seed <= _LARGEST_SEED - self.envs:
            raise ValueError(f"seed must be from 0 to {_LARGEST_SEED - self.envs}, not {self.seed}")
        if not all(0 < width <= _WIDEST for width in self.widths):
            raise ValueError(f"widths must be above 0 and up to {_WIDEST}, not {self.widths}")
        refuse_misplaced(self.injections, self)

    @property
    def group(self) -> str:
        """The policy and the switches that are on, as the group of a run's events: ppo, heuristic+unisolated."""
        return "+".join([self.policy, *(switch for switch in SWITCHES if getattr(self, switch))])

    @classmethod
    def told(cls, hyperparameters: Mapping[str, Any]) -> "Settings":
        """The settings that told these hyperparameters. Raises ValueError, saying what is missing, or wrong."""
        names = [field.name for field in fields(cls)]
        if missing := [name for name in names if name not in hyperparameters]:
            raise ValueError(f"its hyperparameters lack {', '.join(missing)}")
        values = {name: hyperparameters[name] for name in names}
        try:
            injections, widths = tuple(map(Injection.parse, values["injections"])), tuple(values["widths"])
            return cls(**values | {"injections": injections, "widths": widths})
        except TypeError as error:
            raise ValueError(f"its hyperparameters are of other types: {error}") from None

    def hyperparameters(self) -> dict[str, Any]:
        """Everything that shapes a run, by name."""
        injected = {"injections": [str(injection) for injection in self.injections]}
        return asdict(self) | injected | host_hyperparameters() | dict(HYPERPARAMETERS) | _NAMES


def host_hyperparameters() -> dict[str, Any]:
    """What shapes the training of host and seeds."""
    return {
        "optimizer": "adam",
        "learning_rate": LEARNING_RATE,
        "batch_size": BATCH_SIZE,
        "max_grad_norm": MAX_NORM,
        "gate_patience": PATIENCE,
        "gates": {name: asdict(gate) for name, gate in GATES.items()},
    }


_NAMES = {
    "blueprints": list(BLUEPRINTS),
    "heads": list(HEADS),
    "gate_checks": {name: [rule.fact for rule in gate.rules] for name, gate in GATES.items()},
}
"""What /metrics counts from 0 on, because it is known before it happens."""
