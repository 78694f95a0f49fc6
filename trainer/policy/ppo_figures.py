"""The quantities by which PPO is judged, as CleanRL and Stable-Baselines3 define them."""

import torch
from torch import Tensor

from nissa.events.kinds import HeadEntropy
from nissa.trainer.policy.actor_critic import entropy

__all__ = ["approx_kl", "clip_fraction", "explained_variance", "head_entropy"]


def approx_kl(log_ratio: Tensor) -> Tensor:
    """mean((r - 1) - log r), r = exp(log_ratio) of new to old probability: never negative (Schulman's k3)."""
    return ((log_ratio.exp() - 1) - log_ratio).mean()


def clip_fraction(log_ratio: Tensor, clip: float) -> Tensor:
    """Share of decisions with |r - 1| > clip."""
    return ((log_ratio.exp() - 1).abs() > clip).float().mean()


def explained_variance(values: Tensor, returns: Tensor) -> float:
    """1 - Var(returns - values) / Var(returns): 1 is perfect, 0 no better than a constant; NaN if nothing varies."""
    spread = returns.var(correction=0)
    return float(1 - (returns - values).var(correction=0) / spread) if spread > 0 else float("nan")


def head_entropy(log_probs: Tensor, mask: Tensor, relevant: Tensor) -> HeadEntropy:
    """Sums over the decisions in which the head mattered and had a choice; log_probs and mask (n, choices)."""
    valid = mask.sum(-1)
    counted = relevant & (valid >= 2)
    n, chosen = int(counted.sum()), log_probs[counted]
    mean_policy = chosen.exp().mean(0).log() if n else torch.zeros(1)
    return HeadEntropy(
        entropy=entropy(chosen).sum().item(),
        log_valid=valid[counted].log().sum().item(),
        decisions=n,
        mean_policy_entropy=entropy(mean_policy).item(),
    )
