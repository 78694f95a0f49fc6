"""The network of the learned policy: a small body, a head for each factor of the action, and a critic."""

import torch
from torch import Tensor, nn

from nissa.events.kinds import HeadDecision
from nissa.trainer.data import seeded
from nissa.trainer.policy.actions import HEADS, USES, action, masks, op_mask
from nissa.trainer.policy.decision import Decision
from nissa.trainer.policy.heuristic import heuristic_action
from nissa.trainer.policy.situation import OBSERVATION_SIZE, Situation, observation

__all__ = ["ActorCritic", "entropy", "masked_log_probs"]

_WIDTH = 64
_PRIOR = {"WAIT": 2.0, "CULL": -1.0}
"""Logits of the first policy. A seed needs some ten quiet epochs to show its worth, and uniform draws never give it."""


class ActorCritic(nn.Module):
    """Initialized from `seed`, to explore without culling every seed before it can help.

    Values are told in the unit of the rewards. The critic itself learns them less `value_mean`, in units of
    `value_std`: value normalization (Yu et al. 2022, arXiv:2103.01955, section 5.1). `blueprint_prior` is added to the
    logits of the blueprints, and is not learned.
    """

    value_mean: Tensor
    value_std: Tensor
    blueprint_prior: Tensor

    def __init__(self, seed: int, observation_size: int = OBSERVATION_SIZE) -> None:
        super().__init__()
        with seeded(seed):
            self.body = nn.Sequential(
                nn.Linear(observation_size, _WIDTH), nn.Tanh(), nn.Linear(_WIDTH, _WIDTH), nn.Tanh()
            )
            self.heads = nn.ModuleDict({head: nn.Linear(_WIDTH, len(names)) for head, names in HEADS.items()})
            self.critic = nn.Linear(_WIDTH, 1)
        self.register_buffer("value_mean", torch.zeros(()))
        self.register_buffer("value_std", torch.ones(()))
        self.register_buffer("blueprint_prior", torch.zeros(len(HEADS["blueprint"])))
        self._calm()

    def forward(self, observations: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Observations (n, observation_size) to logits (n, choices) by head and values (n,)."""
        hidden = self.body(observations)
        values = self.value_mean + self.value_std * self.critic(hidden).squeeze(-1)
        logits = {name: head(hidden) for name, head in self.heads.items()}
        return logits | {"blueprint": logits["blueprint"] + self.blueprint_prior}, values

    def scale_values(self, mean: float, std: float) -> None:
        """Let the critic learn values as multiples of `std` from `mean`, both in the unit of the rewards."""
        self.value_mean.fill_(mean)
        self.value_std.fill_(std)

    @torch.no_grad()
    def decide(self, situation: Situation, draws: torch.Generator) -> Decision:
        """Draw the operation, then what it needs, from the distributions that the masks leave."""
        seen = observation(situation)
        logits, value = self(torch.tensor([seen]))
        drawn = {"op": _draw(logits["op"][0], op_mask(situation), "WAIT", "op", draws)}
        op = HEADS["op"][drawn["op"].choice]
        for head, mask in masks(situation, op).items():
            drawn[head] = _draw(logits[head][0], mask, op, head, draws)
        return Decision(
            observation=seen,
            action=action({head: decision.choice for head, decision in drawn.items()}),
            heuristic=heuristic_action(situation),
            heads=drawn,
            value=value.item(),
        )

    @torch.no_grad()
    def _calm(self) -> None:
        """Start close to the same distribution everywhere: uniform, but that it mostly waits and seldom culls."""
        for parameter in self.heads.parameters():
            parameter.mul_(0.01)
        prior = [_PRIOR.get(name, 0.0) for name in HEADS["op"]]
        self.heads["op"].get_parameter("bias").copy_(torch.tensor(prior))


def masked_log_probs(logits: Tensor, mask: Tensor) -> Tensor:
    """Log-probabilities of the same shape; what `mask` forbids gets -inf (Huang & Ontanon 2022)."""
    return logits.masked_fill(~mask, -torch.inf).log_softmax(-1)


def entropy(log_probs: Tensor) -> Tensor:
    """Entropy in nats over the last dimension; what has no probability adds nothing."""
    # Not 0 x -inf, whose gradient would be NaN.
    finite = log_probs.masked_fill(log_probs == -torch.inf, 0.0)
    return -(log_probs.exp() * finite).sum(-1)


def _draw(logits: Tensor, mask: list[bool], op: str, head: str, draws: torch.Generator) -> HeadDecision:
    log_probs = masked_log_probs(logits, torch.tensor(mask))
    choice = int(torch.multinomial(log_probs.exp(), 1, generator=draws))
    return HeadDecision(
        choice=choice,
        log_prob=log_probs[choice].item(),
        entropy=entropy(log_probs).item(),
        mask=mask,
        valid=sum(mask),
        forced=sum(mask) == 1,
        relevant=head in USES[op],
    )
