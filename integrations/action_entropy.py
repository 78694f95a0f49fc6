"""How much does a policy of Stable-Baselines3 leave open? The entropy of each factor of its action, over a rollout."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical

from nissa.events.kinds import HeadEntropy

__all__ = ["action_entropies", "chunks"]

_CHUNK = 1024
"""Observations in one forward pass."""


@torch.no_grad()
def action_entropies(policy: Any, observations: Iterable[Any]) -> dict[str, HeadEntropy]:
    """By head, "action" or "action 0" and on; none where actions are continuous, for they cannot be normalized.

    `observations` come in chunks, as the policy takes them. The policy is in evaluation mode, and draws nothing.
    """
    entropies: dict[str, Tensor] = {}
    chances: dict[str, Tensor] = {}
    decisions = 0
    for chunk in observations:
        heads = list(_heads(policy.get_distribution(chunk).distribution))
        if not heads:
            return {}
        for head, entropy, probabilities in heads:
            entropies[head] = entropies.get(head, 0) + entropy.double().sum()
            chances[head] = chances.get(head, 0) + probabilities.double().sum(0)
        decisions += len(heads[0][1])
    return {head: _told(total, chances[head] / decisions, decisions) for head, total in entropies.items()}


def chunks(rollout: Any) -> Iterator[Any]:
    """The observations of a full rollout buffer, of all its environments, as tensors on its device."""
    seen, steps = rollout.observations, rollout.buffer_size
    size = max(1, _CHUNK // rollout.n_envs)

    def part(array: Any, at: int) -> Tensor:
        return torch.as_tensor(rollout.to_torch(array[at : at + size].reshape(-1, *array.shape[2:])))

    for at in range(0, steps, size):
        yield {name: part(array, at) for name, array in seen.items()} if isinstance(seen, dict) else part(seen, at)


def _heads(distribution: Any) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Name, entropies (n,) and probabilities (n, choices) of each factor."""
    match distribution:
        case Categorical():
            yield "action", distribution.entropy(), distribution.probs  # type: ignore[no-untyped-call]
        case Bernoulli():
            two = torch.stack([1 - distribution.probs, distribution.probs], dim=-1)
            entropies = distribution.entropy()  # type: ignore[no-untyped-call]
            yield from ((f"action {at}", entropies[:, at], two[:, at]) for at in range(two.shape[1]))
        case list():
            yield from ((f"action {at}", d.entropy(), d.probs) for at, d in enumerate(distribution))


def _told(total: Tensor, mean: Tensor, decisions: int) -> HeadEntropy:
    return HeadEntropy(
        entropy=float(total),
        log_valid=decisions * float(torch.tensor(len(mean), dtype=torch.float64).log()),
        decisions=decisions,
        mean_policy_entropy=float(torch.special.entr(mean).sum()),
    )
