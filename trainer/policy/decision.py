"""A decision of any policy, and the policies that decide by rule."""

from dataclasses import dataclass, field
from typing import Protocol

from nissa.events.kinds import Action, DecisionMade, HeadDecision
from nissa.trainer.policy.heuristic import heuristic_action
from nissa.trainer.policy.situation import Situation, observation

__all__ = ["Decision", "Policy", "decide_by_rule", "never"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was seen and what is to be done. `heads` is empty and `value` None where a rule decided."""

    observation: list[float]
    action: Action
    heuristic: Action
    heads: dict[str, HeadDecision] = field(default_factory=dict)
    value: float | None = None

    @property
    def masked(self) -> bool:
        """Whether masks left no choice: every head that mattered was forced."""
        return bool(self.heads) and all(head.forced for head in self.heads.values() if head.relevant)

    def made(
        self, reward_components: dict[str, float], *, accuracy_delta: float, refused_by: str | None
    ) -> DecisionMade:
        """The decision with what became of it.

        What its epoch earned, by how many points the accuracy changed, and what refused it, if it was not carried out.
        """
        return DecisionMade(
            observation=self.observation,
            action=self.action,
            executed=refused_by is None,
            refused_by=refused_by,
            heuristic=self.heuristic,
            masked=self.masked,
            heads=self.heads,
            value=self.value,
            reward=sum(reward_components.values()),
            reward_components=reward_components,
            accuracy_delta=accuracy_delta,
        )


class Policy(Protocol):
    """Decides before each epoch of each environment."""

    def __call__(self, situation: Situation) -> Decision: ...


def decide_by_rule(situation: Situation) -> Decision:
    """The policy "heuristic"."""
    act = heuristic_action(situation)
    return Decision(observation=observation(situation), action=act, heuristic=act)


def never(situation: Situation) -> Decision:
    """The policy "never": the host is left alone."""
    return Decision(observation=observation(situation), action=Action(op="WAIT"), heuristic=heuristic_action(situation))
