"""Is the policy healthy, and what does it do? PPO updates, entropies by head, decisions and rewards."""

from collections.abc import Hashable

from nissa.events.event import Event
from nissa.events.kinds import DecisionMade, DecisionsScored, EpisodeStarted, PolicyUpdated, RunStarted
from nissa.events.vocabulary import OPERATIONS
from nissa.sinks.prometheus.lifetimes import added, of_episode, of_run, shared
from nissa.sinks.prometheus.metric import ENV, GROUP, Labels, counter, gauge, percent
from nissa.sinks.prometheus.rows import Row, by, each, listed, named, whole

__all__ = ["TABLES"]


def _of_group(event: Event[PolicyUpdated]) -> Hashable:
    return event.scope.group


def _advantages(at: Labels, event: Event[DecisionsScored]) -> list[Row]:
    return [(at, event.payload.advantages)] if event.payload.advantages else []


def _mean(advantages: list[float]) -> float:
    # Not statistics.fmean, nor ** 2: they raise on infinities and on what overflows.
    return sum(advantages) / len(advantages)


def _std(advantages: list[float]) -> float:
    mean = _mean(advantages)
    variance = sum((advantage - mean) * (advantage - mean) for advantage in advantages) / len(advantages)
    return float(variance**0.5)


TABLES = (
    shared(PolicyUpdated, GROUP, key=_of_group)(
        nissa_policy_loss=gauge("1", "Clipped surrogate loss of the last update.", "policy_loss"),
        nissa_policy_value_loss=gauge("1", "Mean squared error of the critic in the last update.", "value_loss"),
        nissa_policy_entropy_nats=gauge("nats", "Mean entropy of the joint action in the last update.", "entropy"),
        nissa_policy_approx_kl_nats=gauge(
            "nats", "How far the last update moved the policy: Schulman's k3.", "approx_kl"
        ),
        nissa_policy_clip_fraction_ratio=gauge(
            "ratio", "Share of the probability ratios that the last update clipped.", "clip_fraction"
        ),
        nissa_policy_explained_variance_ratio=gauge(
            "ratio", "1 - Var(return - value) / Var(return); it may be negative.", "explained_variance"
        ),
        nissa_policy_probability_ratio_max=gauge(
            "factor", "Largest probability ratio of new to old policy in the last update.", "ratio_max"
        ),
        nissa_policy_value_mean=gauge("reward", "Mean of the critic's estimates in the last update.", "value_mean"),
        nissa_policy_value_std=gauge(
            "reward", "Standard deviation of the critic's estimates in the last update.", "value_std"
        ),
        nissa_policy_return_mean=gauge("reward", "Mean of the returns in the last update.", "return_mean"),
        nissa_policy_return_std=gauge("reward", "Standard deviation of the returns in the last update.", "return_std"),
        nissa_policy_grad_norm=gauge(
            "L2 norm", "Mean norm of the policy's gradient in the last update, before clipping.", "grad_norm"
        ),
        nissa_policy_learning_rate=gauge("learning rate", "Step size of the policy's optimizer.", "learning_rate"),
    ),
    added(PolicyUpdated, GROUP, zeros={EpisodeStarted: whole})(
        nissa_policy_updates_total=counter("updates", "Updates of the policy."),
        nissa_policy_early_stops_total=counter(
            "updates", "Updates whose KL passed its target, which ended their passes.", "early_stopped"
        ),
        nissa_policy_decisions_total=counter("decisions", "Decisions that updates learned from.", "decisions"),
    ),
    # An update will learn from a decision.
    added(PolicyUpdated, (*GROUP, "head"), rows=each("heads"), zeros={DecisionMade: each("heads")})(
        nissa_head_entropy_nats_total=counter(
            "nats", "Sum of the masked entropies over decisions that had a choice.", "entropy"
        ),
        nissa_head_log_valid_nats_total=counter(
            "nats", "Sum of log(valid choices) over decisions that had a choice.", "log_valid"
        ),
        nissa_head_decisions_total=counter(
            "decisions", "Decisions of updates in which the head mattered and had a choice.", "decisions"
        ),
    ),
    shared(PolicyUpdated, (*GROUP, "head"), rows=each("heads"), key=_of_group)(
        nissa_head_mean_policy_entropy_nats=gauge(
            "nats", "Entropy of the mean policy, last update.", "mean_policy_entropy"
        ),
    ),
    of_episode(DecisionMade, ENV)(
        nissa_decision_value=gauge("reward", "The critic's estimate at the last decision.", "value"),
        nissa_decision_reward=gauge("reward", "Reward that the last decision earned.", "reward"),
        nissa_decision_accuracy_delta_ratio=gauge(
            "ratio", "Change of the validation accuracy over the last decision.", percent("accuracy_delta")
        ),
    ),
    of_run(DecisionsScored, ENV, rows=_advantages)(
        nissa_advantage_mean=gauge("reward", "Mean advantage of the episode scored last, before normalization.", _mean),
        nissa_advantage_std=gauge("reward", "Standard deviation of the advantages of the episode scored last.", _std),
    ),
    of_episode(DecisionMade, (*ENV, "component"), rows=each("reward_components"))(
        nissa_reward_component=gauge("reward", "Reward of the last decision.", float),
    ),
    added(DecisionMade, (*ENV, "action"), rows=by("action.op"), zeros={EpisodeStarted: listed(OPERATIONS)})(
        nissa_decisions_total=counter("decisions", "Decisions, by operation."),
        nissa_decisions_agreed_total=counter(
            "decisions",
            "Decisions that the heuristic would have made too, in every part.",
            lambda row: row.heuristic is not None and row.action == row.heuristic,
        ),
    ),
    added(DecisionMade, ENV, zeros={EpisodeStarted: whole})(
        nissa_decisions_masked_total=counter("decisions", "Decisions in which masks left no choice at all.", "masked"),
    ),
    added(DecisionMade, (*ENV, "head"), rows=each("heads"), zeros={RunStarted: named("heads")})(
        nissa_head_relevant_total=counter("decisions", "Decisions whose operation used the head.", "relevant"),
        nissa_head_forced_total=counter(
            "decisions",
            "Those among them in which one choice alone was valid.",
            lambda choice: choice.relevant and choice.forced,
        ),
    ),
)
