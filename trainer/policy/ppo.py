"""Proximal policy optimization (Schulman et al. 2017) over a factored action, with masks and an early stop."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch.nn.utils import clip_grad_norm_

from nissa.events.kinds import DecisionsScored, HeadEntropy, PolicyUpdated
from nissa.operators.statistics import Moments
from nissa.trainer.data import generator, state_digest, stream
from nissa.trainer.policy.actions import HEADS
from nissa.trainer.policy.actor_critic import ActorCritic, masked_log_probs
from nissa.trainer.policy.decision import Decision
from nissa.trainer.policy.ppo_figures import explained_variance, head_entropy
from nissa.trainer.policy.ppo_loss import ppo_loss
from nissa.trainer.policy.rich_observation import DIAGNOSTICS_SIZE
from nissa.trainer.policy.rollout import Batch, Rollout, collate, score
from nissa.trainer.policy.situation import OBSERVATION_SIZE, Situation

__all__ = ["LEARNING_RATE", "MAX_GRAD_NORM", "MINIBATCH", "PASSES", "PPO", "TARGET_KL"]

LEARNING_RATE = 1e-3
PASSES = 6
MINIBATCH = 64
MAX_GRAD_NORM = 0.5
TARGET_KL = 0.03

Fate = tuple[str, bool]
"""The blueprint of a seed that has ended, and whether it fossilized."""


class PPO:
    """The policy "ppo": decides for all environments, and learns after each round of episodes."""

    def __init__(self, seed: int, *, diagnostics: bool = False) -> None:
        seen = OBSERVATION_SIZE + (DIAGNOSTICS_SIZE if diagnostics else 0)
        self.network = ActorCritic(stream("policy", seed), seen)
        self._optimizer = torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE, eps=1e-5)
        self._draws, self._order = generator(stream("actions", seed)), generator(stream("minibatches", seed))
        self._returns = Moments()
        self._fates: list[Fate] = []
        self._updates = 0

    def __call__(self, situation: Situation) -> Decision:
        """Draw a decision."""
        return self.network.decide(situation, self._draws)

    def rng_digests(self) -> dict[str, str]:
        """SHA-256 of the state of each of its generators, in hex, by what is drawn from it."""
        return {"actions": state_digest(self._draws), "minibatches": state_digest(self._order)}

    def learn(self, rollouts: Sequence[Rollout]) -> tuple[PolicyUpdated, list[DecisionsScored]]:
        """One update from finished episodes: what it came to, and the score of each episode's decisions."""
        scores = [score(rollout) for rollout in rollouts]
        batch = collate(rollouts, scores)
        heads = self._head_entropies(batch)
        self._scale(batch)
        learned = self._learn(batch)
        updated = _updated(self._updates, batch, heads, learned)
        self._updates += 1
        return updated, scores

    def prefer(self, fates: Iterable[Fate]) -> None:
        """Make what has worked likelier from now on: the prior of a blueprint is the log of its success rate so far.

        The rate is that of Laplace's rule, (fossilized + 1) / (germinated + 2), so that of no seeds it is a half.
        """
        self._fates += fates
        germinated = Counter(blueprint for blueprint, _ in self._fates)
        fossilized = Counter(blueprint for blueprint, kept in self._fates if kept)
        rates = [(fossilized[name] + 1) / (germinated[name] + 2) for name in HEADS["blueprint"]]
        self.network.blueprint_prior.copy_(torch.tensor(rates).log())

    def _scale(self, batch: Batch) -> None:
        """Let the critic learn on the scale of all returns so far."""
        self._returns = self._returns.merge(Moments.of(batch.returns.tolist()))
        self.network.scale_values(self._returns.mean or 0.0, self._returns.std or 1.0)

    def _learn(self, batch: Batch) -> "_Learned":
        """Pass over the batch until the policy has moved far enough from the one that acted."""
        norms, largest, stopped = [], [], False
        for _ in range(PASSES):
            figures = [self._step(batch.rows(rows)) for rows in self._shuffled(len(batch.returns))]
            means = {name: sum(step[name] for step in figures) / len(figures) for name in figures[0]}
            norms.append(means["grad_norm"])
            largest.append(max(step["ratio_max"] for step in figures))
            if stopped := means["approx_kl"] > TARGET_KL:
                break
        return _Learned(means | {"grad_norm": sum(norms) / len(norms), "ratio_max": max(largest)}, stopped)

    def _shuffled(self, n: int) -> tuple[torch.Tensor, ...]:
        return torch.split(torch.randperm(n, generator=self._order), MINIBATCH)

    def _step(self, batch: Batch) -> dict[str, float]:
        loss, figures = ppo_loss(self.network, batch)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        figures["grad_norm"] = clip_grad_norm_(self.network.parameters(), MAX_GRAD_NORM)
        self._optimizer.step()
        return dict(zip(figures, torch.stack(list(figures.values())).tolist(), strict=True))

    @torch.no_grad()
    def _head_entropies(self, batch: Batch) -> dict[str, HeadEntropy]:
        """Of the policy that acted."""
        logits, _ = self.network(batch.observations)
        return {
            head: head_entropy(masked_log_probs(logits[head], mask), mask, batch.relevant[head])
            for head, mask in batch.masks.items()
        }


class _Learned(NamedTuple):
    """Figures of an update: means of the last pass; the gradient norm over all passes, the ratio their largest."""

    figures: dict[str, float]
    stopped: bool


def _updated(update: int, batch: Batch, heads: dict[str, HeadEntropy], learned: _Learned) -> PolicyUpdated:
    return PolicyUpdated(
        update=update,
        decisions=len(batch.returns),
        explained_variance=explained_variance(batch.values, batch.returns),
        heads=heads,
        value_mean=batch.values.mean().item(),
        value_std=batch.values.std(correction=0).item(),
        return_mean=batch.returns.mean().item(),
        return_std=batch.returns.std(correction=0).item(),
        learning_rate=LEARNING_RATE,
        early_stopped=learned.stopped,
        **learned.figures,
    )
