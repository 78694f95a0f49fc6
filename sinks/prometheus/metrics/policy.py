"""Is the policy healthy, and what does it do? PPO updates, entropies by head, decisions and rewards."""

from nissa.events.event import Event
from nissa.events.kinds import DecisionMade, DecisionsScored, EpisodeStarted, PolicyUpdated, RunStarted
from nissa.events.vocabulary import OPERATIONS
from nissa.sinks.prometheus.lifetimes import added, of_episode, of_run
from nissa.sinks.prometheus.metric import ENV, Labels, Read, counter, gauge, one, percent
from nissa.sinks.prometheus.rows import Row, by, each, listed, named, whole

__all__ = ["TABLES"]


def _policy(at: Labels, _: Event[EpisodeStarted]) -> list[Row]:
    """The policy of a group, which is of no environment. One that each environment has begins with its first update."""
    return [((*at[:2], ""), None)]


def _heads(at: Labels, event: Event[DecisionMade]) -> list[Row]:
    return [((*at[:2], "", head), None) for head in event.payload.heads]


def _if_told(field: str, read: Read) -> Read:
    """A reading of what is told of a field, and nothing where it is not."""
    return lambda row: None if getattr(row, field) is None else read(row)


def _if_asked(read: Read) -> Read:
    return _if_told("heuristic", read)


def _refused(at: Labels, event: Event[DecisionMade]) -> list[Row]:
    row = event.payload
    return [] if row.executed is not False else [((*at, row.action.op, row.refused_by or "not told"), row)]


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
    of_run(PolicyUpdated, ENV)(
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
    of_run(PolicyUpdated, ENV, rows=whole)(
        nissa_policy_last_update_timestamp_seconds=gauge(
            "seconds", "When the policy was updated last, since 1970: its other figures are of then.", "time"
        ),
    ),
    added(PolicyUpdated, ENV, zeros={EpisodeStarted: _policy})(
        nissa_policy_updates_total=counter("updates", "Updates of the policy."),
        nissa_policy_early_stops_total=counter(
            "updates", "Updates whose KL passed its target, which ended their passes.", "early_stopped"
        ),
        nissa_policy_decisions_total=counter("decisions", "Decisions that updates learned from.", "decisions"),
    ),
    # An update will learn from a decision.
    added(PolicyUpdated, (*ENV, "head"), rows=each("heads"), zeros={DecisionMade: _heads})(
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
    of_run(PolicyUpdated, (*ENV, "head"), rows=each("heads"))(
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
    ),
    added(DecisionMade, (*ENV, "action"), rows=by("action.op"))(
        nissa_decisions_heuristic_told_total=counter(
            "decisions", "Decisions in whose place the heuristic was asked.", _if_asked(one)
        ),
        nissa_decisions_op_agreed_total=counter(
            "decisions",
            "Those among them for which the heuristic would have chosen the same operation.",
            _if_asked(lambda row: row.action.op == row.heuristic.op),
        ),
        nissa_decisions_agreed_total=counter(
            "decisions",
            "Those among them that the heuristic would have made too, in every part.",
            _if_asked(lambda row: row.action == row.heuristic),
        ),
        nissa_decisions_execution_told_total=counter(
            "decisions", "Decisions of which it is told whether they were carried out.", _if_told("executed", one)
        ),
        nissa_decisions_executed_total=counter("decisions", "Those among them that were carried out.", "executed"),
    ),
    added(DecisionMade, (*ENV, "action", "reason"), rows=_refused)(
        nissa_decisions_refused_total=counter(
            "decisions", "Decisions that were not carried out, by what refused them."
        ),
    ),
    added(DecisionMade, ENV)(
        nissa_decisions_masking_told_total=counter(
            "decisions", "Decisions of which it is told whether masks left a choice.", _if_told("masked", one)
        ),
        nissa_decisions_masked_total=counter("decisions", "Those among them to which masks left no choice.", "masked"),
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
