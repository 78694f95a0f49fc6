"""What can be chosen about a study, and which groups it compares."""

from dataclasses import dataclass, fields
from typing import Any

__all__ = ["CONTRASTS", "GROUPS", "HOST", "SEEDS_APART", "SWITCHED", "StudySettings"]

HOST = "never"
"""The group of the hosts that are trained alone."""
GROUPS: dict[str, dict[str, Any]] = {
    "ppo": {"policy": "ppo"},
    "heuristic": {"policy": "heuristic"},
    "random": {"policy": "random"},
    "heuristic+unisolated": {"policy": "heuristic", "unisolated": True},
}
"""By the name that its events bear, what sets a group apart from others."""
SWITCHED: dict[str, dict[str, Any]] = {
    f"ppo+{switch}": {"policy": "ppo", switch: True} for switch in ("blueprint_prior", "compute_cost", "diagnostics")
}
"""What a study adds when it is asked for switches."""
CONTRASTS = (
    ("ppo", "heuristic"),
    ("ppo", "random"),
    ("heuristic", "heuristic+unisolated"),
    *((switched, "ppo") for switched in SWITCHED),
)
"""Groups that are told apart, seed by seed: the first minus the second."""
SEEDS_APART = 1000
_FRESH = 500


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """`seeds` repetitions. In each, PPO trains `episodes` rounds in `envs` environments, and then learns no more.

    Every group is judged by `judged` rounds in as many environments that nobody has trained in. With `switches`, PPO
    is trained and judged with each of its switches on, too. Raises ValueError, naming the value and what is allowed.
    """

    seeds: int = 6
    envs: int = 4
    episodes: int = 12
    judged: int = 2
    epochs: int = 45
    switches: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "switches" and (value := getattr(self, field.name)) < 1:
                raise ValueError(f"{field.name} must be at least 1, not {value}")
        if self.envs > _FRESH:
            raise ValueError(f"envs must be at most {_FRESH}, not {self.envs}")

    def groups(self) -> dict[str, dict[str, Any]]:
        """Those that this study compares, but for the hosts that are trained alone."""
        return GROUPS | (SWITCHED if self.switches else {})

    def training_seed(self, seed: int) -> int:
        """Of the first environment that a policy trains in."""
        return seed * SEEDS_APART

    def judged_seed(self, seed: int) -> int:
        """Of the first environment in which all groups are judged."""
        return seed * SEEDS_APART + _FRESH
