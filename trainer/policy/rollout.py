"""What the learned policy learns from: the decisions of finished episodes as tensors."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from nissa.events.kinds import DecisionsScored
from nissa.trainer.policy.actions import HEADS
from nissa.trainer.policy.decision import Decision

__all__ = ["DISCOUNT", "TRACE", "Batch", "Rollout", "Transition", "advantages", "collate", "score"]

DISCOUNT = 0.99
TRACE = 0.95
"""The lambda of generalized advantage estimation."""


class Transition(NamedTuple):
    """A decision and the reward of the epoch that followed it."""

    decision: Decision
    reward: float


Rollout = Sequence[Transition]
"""An episode, from its first decision to its last."""


class Batch(NamedTuple):
    """n decisions, collated: observations (n, 30); by head choices (n,), masks (n, choices) and relevance (n,);
    log-probabilities of the joint action, values, advantages and returns (n,)."""

    observations: Tensor
    choices: dict[str, Tensor]
    masks: dict[str, Tensor]
    relevant: dict[str, Tensor]
    log_probs: Tensor
    values: Tensor
    advantages: Tensor
    returns: Tensor

    def rows(self, index: Tensor) -> "Batch":
        """Some of the decisions."""
        return Batch(
            self.observations[index],
            {head: choices[index] for head, choices in self.choices.items()},
            {head: mask[index] for head, mask in self.masks.items()},
            {head: relevant[index] for head, relevant in self.relevant.items()},
            *(column[index] for column in (self.log_probs, self.values, self.advantages, self.returns)),
        )


def score(rollout: Rollout) -> DecisionsScored:
    """Advantages by GAE, and as returns the advantages plus what the critic had expected."""
    values = [transition.decision.value or 0.0 for transition in rollout]
    found = advantages([transition.reward for transition in rollout], values)
    returns = [advantage + value for advantage, value in zip(found, values, strict=True)]
    return DecisionsScored(epochs=list(range(1, len(rollout) + 1)), advantages=found, returns=returns)


def advantages(rewards: Sequence[float], values: Sequence[float]) -> list[float]:
    """Generalized advantage estimates of an episode that ended, so nothing follows the last decision.

    Schulman et al. 2016, arXiv:1506.02438, eq. 16.

    >>> advantages([1.0, 1.0], [0.0, 0.0])
    [1.9405000000000001, 1.0]
    """
    found: list[float] = []
    following, ahead = 0.0, 0.0
    for reward, value in zip(reversed(rewards), reversed(values), strict=True):
        ahead = reward + DISCOUNT * following - value + DISCOUNT * TRACE * ahead
        found.append(ahead)
        following = value
    return found[::-1]


def collate(rollouts: Sequence[Rollout], scores: Sequence[DecisionsScored]) -> Batch:
    """Every decision of every episode, with its score."""
    heads = [step.decision.heads for rollout in rollouts for step in rollout]
    return Batch(
        torch.tensor([step.decision.observation for rollout in rollouts for step in rollout]),
        {name: torch.tensor([row[name].choice for row in heads]) for name in HEADS},
        {name: torch.tensor([row[name].mask for row in heads]) for name in HEADS},
        {name: torch.tensor([row[name].relevant for row in heads]) for name in HEADS},
        torch.tensor([sum(head.log_prob for head in row.values()) for row in heads]),
        torch.tensor([step.decision.value for rollout in rollouts for step in rollout]),
        torch.tensor([advantage for scored in scores for advantage in scored.advantages]),
        torch.tensor([target for scored in scores for target in scored.returns]),
    )
