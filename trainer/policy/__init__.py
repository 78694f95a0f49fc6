"""When does it grow? A policy sees the situation before each epoch and decides: PPO, a heuristic, or never."""

from nissa.trainer.policy.actions import HEADS
from nissa.trainer.policy.actor_critic import ActorCritic
from nissa.trainer.policy.decision import Policy, decide_by_rule, never
from nissa.trainer.policy.hyperparameters import HYPERPARAMETERS
from nissa.trainer.policy.ppo import PPO
from nissa.trainer.policy.rewards import reward_components
from nissa.trainer.policy.rich_observation import diagnostics
from nissa.trainer.policy.rollout import Transition
from nissa.trainer.policy.situation import Situation, SlotView

__all__ = [
    "HEADS",
    "HYPERPARAMETERS",
    "PPO",
    "ActorCritic",
    "Policy",
    "Situation",
    "SlotView",
    "Transition",
    "decide_by_rule",
    "diagnostics",
    "never",
    "reward_components",
]
