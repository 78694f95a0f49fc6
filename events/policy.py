"""The policy that grows the network: what it decided and why, and how its own training goes."""

from dataclasses import field

from nissa.events.kind import Importance, Payload, kind, part
from nissa.events.units import (
    Count,
    Fraction,
    Nats,
    Norm,
    Points,
    Ratio,
    Real,
    Reward,
    RewardSpread,
    SignedRatio,
    StepSize,
)

__all__ = ["Action", "DecisionMade", "DecisionsScored", "HeadDecision", "HeadEntropy", "PolicyUpdated"]


@part
class Action:
    """A factored action. Parts that the operation does not use are None."""

    op: str
    """"WAIT", "GERMINATE", "CULL" or "FOSSILIZE"."""
    slot: str | None = None
    """Slot acted upon."""
    blueprint: str | None = None
    """Blueprint germinated."""
    blend: str | None = None
    """Curve of the blending."""


@part
class HeadDecision:
    """One factor of the action, as the policy drew it."""

    choice: int
    """Index chosen."""
    log_prob: Nats
    """Log-probability of the choice under the masked distribution."""
    entropy: Nats
    """Entropy of the masked distribution."""
    mask: list[bool]
    """Which choices were valid."""
    valid: Count
    """Choices that were valid."""
    forced: bool
    """Whether only one was valid."""
    relevant: bool
    """Whether the operation used this head at all."""


@kind(Importance.ROUTINE)
class DecisionMade(Payload):
    """What the agent saw before an epoch, what it did, and what that epoch earned."""

    observation: list[Real] | None = None
    """The observation vector fed to the policy; None if not told."""
    action: Action
    """What was decided."""
    executed: bool | None = None
    """Whether it was carried out; None if not told. To wait is always carried out."""
    refused_by: str | None = None
    """What refused it, such as a gate ("G0"); None where it was carried out, or that is not told."""
    heuristic: Action | None = None
    """What the heuristic would have done in its place; None where it was not asked."""
    masked: bool | None = None
    """Whether masks left no choice: every head that mattered was forced; None if not told."""
    heads: dict[str, HeadDecision] = field(default_factory=dict)
    """By head; empty where the heuristic decides, or where masks and log-probabilities are not told."""
    value: Reward | None = None
    """The critic's estimate; None where there is no critic."""
    reward: Reward | None = None
    """Sum of `reward_components`."""
    reward_components: dict[str, Reward] | None = None
    """Reward by component; None if not told."""
    accuracy_delta: Points | None = None
    """Change of the validation accuracy over the epoch; None if the accuracy before it is not known."""


@kind(Importance.ROUTINE)
class DecisionsScored(Payload):
    """Advantages of an episode's decisions, once the update has computed them (GAE, before normalization)."""

    epochs: list[Count]
    """Epochs of the decisions."""
    advantages: list[Reward]
    """Advantage of each."""
    returns: list[Reward]
    """Target of the critic for each."""


@part
class HeadEntropy:
    """Sums over the decisions of an update in which the head mattered and had at least two valid choices."""

    entropy: Nats
    """Sum of the masked entropies."""
    log_valid: Nats
    """Sum of log(valid choices): the entropy of a policy that does not care."""
    decisions: Count
    """Decisions in which the head mattered and had a choice."""
    mean_policy_entropy: Nats
    """Entropy of the mean distribution; less the mean entropy, it is the mutual information of state and choice."""


@kind(Importance.ROUTINE)
class PolicyUpdated(Payload):
    """One PPO update. Definitions are those of CleanRL and Stable-Baselines3."""

    update: Count
    """Number of the update, from 0."""
    decisions: Count | None = None
    """Decisions it learned from; None if not told."""
    policy_loss: Real | None = None
    """Clipped surrogate loss, mean of the last pass."""
    value_loss: Real | None = None
    """Mean squared error of the critic, in the unit of the rewards squared, mean of the last pass."""
    entropy: Nats | None = None
    """Mean entropy of the joint action, positive; None if not told in nats."""
    approx_kl: Nats | None = None
    """mean((r - 1) - log r), r the probability ratio of new to old (Schulman's k3)."""
    clip_fraction: Fraction | None = None
    """Share of |r - 1| > clip range."""
    explained_variance: SignedRatio | None = None
    """1 - Var(return - value) / Var(return); NaN where returns do not vary."""
    ratio_max: Ratio | None = None
    """Largest probability ratio of the update."""
    heads: dict[str, HeadEntropy] = field(default_factory=dict)
    """By head; empty where the numbers of valid choices are not told, and then no entropy can be normalized."""
    value_mean: Reward | None = None
    """Mean of the critic's estimates."""
    value_std: RewardSpread | None = None
    """Standard deviation of the critic's estimates."""
    return_mean: Reward | None = None
    """Mean of the returns."""
    return_std: RewardSpread | None = None
    """Standard deviation of the returns; None if not told."""
    grad_norm: Norm | None = None
    """Mean norm of the policy's gradient, before clipping."""
    learning_rate: StepSize | None = None
    """Step size of the optimizer; None if not told."""
    early_stopped: bool | None = None
    """Whether approx_kl passed its target and ended the update's passes."""
