"""What shapes the learning of a policy, by the name under which `run_started` tells it."""

from collections.abc import Mapping

from nissa.trainer.policy import ppo, ppo_loss, rewards, rollout

__all__ = ["HYPERPARAMETERS"]

HYPERPARAMETERS: Mapping[str, float] = {
    "rent": rewards.RENT,
    "compute": rewards.COMPUTE,
    "ppo_discount": rollout.DISCOUNT,
    "ppo_trace": rollout.TRACE,
    "ppo_learning_rate": ppo.LEARNING_RATE,
    "ppo_passes": ppo.PASSES,
    "ppo_minibatch": ppo.MINIBATCH,
    "ppo_max_grad_norm": ppo.MAX_GRAD_NORM,
    "ppo_target_kl": ppo.TARGET_KL,
    "ppo_clip": ppo_loss.CLIP,
    "ppo_entropy_weight": ppo_loss.ENTROPY_WEIGHT,
    "ppo_value_weight": ppo_loss.VALUE_WEIGHT,
}
