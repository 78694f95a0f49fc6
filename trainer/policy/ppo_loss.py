"""The loss of PPO on a minibatch, with what is worth knowing about it."""

from torch import Tensor
from torch.nn.functional import mse_loss

from nissa.trainer.policy.actor_critic import ActorCritic, entropy, masked_log_probs
from nissa.trainer.policy.ppo_figures import approx_kl, clip_fraction
from nissa.trainer.policy.rollout import Batch

__all__ = ["CLIP", "ENTROPY_WEIGHT", "VALUE_WEIGHT", "ppo_loss"]

CLIP = 0.2
ENTROPY_WEIGHT = 0.01
VALUE_WEIGHT = 0.5


def ppo_loss(network: ActorCritic, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """Clipped surrogate + value loss - entropy bonus, and the parts and diagnostics as scalars by name.

    Advantages are normalized over the minibatch. `value_loss` is told in the rewards' unit, squared; in the loss it
    counts on the critic's own scale, so that its gradient is of the size of the policy's. Mutates nothing.
    """
    logits, values = network(batch.observations)
    log_probs = {head: masked_log_probs(logits[head], mask) for head, mask in batch.masks.items()}
    log_ratio = _joint(log_probs, batch) - batch.log_probs
    policy_loss = _surrogate(log_ratio, _normalized(batch.advantages))
    value_loss = mse_loss(values, batch.returns)
    mean_entropy = sum((entropy(rows).mean() for rows in log_probs.values()), start=values.new_zeros(()))
    loss = policy_loss + VALUE_WEIGHT * value_loss / network.value_std**2 - ENTROPY_WEIGHT * mean_entropy
    figures = {
        "policy_loss": policy_loss,
        "value_loss": value_loss,
        "entropy": mean_entropy,
        "approx_kl": approx_kl(log_ratio),
        "clip_fraction": clip_fraction(log_ratio, CLIP),
        "ratio_max": log_ratio.exp().max(),
    }
    return loss, {name: figure.detach() for name, figure in figures.items()}


def _joint(log_probs: dict[str, Tensor], batch: Batch) -> Tensor:
    """Log-probability (n,) of the whole action; heads that the operation does not use add 0 by their masks."""
    chosen = [rows.gather(-1, batch.choices[head][:, None]).squeeze(-1) for head, rows in log_probs.items()]
    return sum(chosen, start=batch.log_probs.new_zeros(()))


def _surrogate(log_ratio: Tensor, advantages: Tensor) -> Tensor:
    ratio = log_ratio.exp()
    return -(advantages * ratio).minimum(advantages * ratio.clamp(1 - CLIP, 1 + CLIP)).mean()


def _normalized(advantages: Tensor) -> Tensor:
    return (advantages - advantages.mean()) / (advantages.std(correction=0) + 1e-8)
