"""Is the policy healthy, and what does it do? PPO updates, entropies by head, decisions and rewards."""

from collections.abc import Iterator

from nissa.events.event import Event
from nissa.events.kinds import DecisionMade, DecisionsScored, EpisodeStarted, HeadDecision, PolicyUpdated, RunStarted
from nissa.sinks.prometheus.metric import ENV, GROUP, Labels, Readings, Rows, Sample, metrics, names, ratio

__all__ = ["COUNTS", "GAUGES", "KNOWN", "METRICS"]

_OPERATIONS = ("WAIT", "GERMINATE", "CULL", "FOSSILIZE")

_POLICY: Rows = {
    "nissa_policy_loss": ("1", "Clipped surrogate loss of the last update."),
    "nissa_policy_value_loss": ("1", "Mean squared error of the critic in the last update."),
    "nissa_policy_entropy_nats": ("nats", "Mean entropy of the joint action in the last update."),
    "nissa_policy_approx_kl_nats": ("nats", "How far the last update moved the policy: Schulman's k3."),
    "nissa_policy_clip_fraction_ratio": ("ratio", "Share of the probability ratios that the last update clipped."),
    "nissa_policy_explained_variance_ratio": ("ratio", "1 - Var(return - value) / Var(return); it may be negative."),
    "nissa_policy_probability_ratio_max": (
        "factor",
        "Largest probability ratio of new to old policy in the last update.",
    ),
    "nissa_policy_value_mean": ("reward", "Mean of the critic's estimates in the last update."),
    "nissa_policy_value_std": ("reward", "Standard deviation of the critic's estimates in the last update."),
    "nissa_policy_return_mean": ("reward", "Mean of the returns in the last update."),
    "nissa_policy_return_std": ("reward", "Standard deviation of the returns in the last update."),
    "nissa_policy_grad_norm": ("L2 norm", "Mean norm of the policy's gradient in the last update, before clipping."),
    "nissa_policy_learning_rate": ("1", "Step size of the policy's optimizer."),
}
_UPDATES: Rows = {
    "nissa_policy_updates_total": ("updates", "Updates of the policy."),
    "nissa_policy_early_stops_total": ("updates", "Updates whose KL passed its target, which ended their passes."),
    "nissa_policy_decisions_total": ("decisions", "Decisions that updates learned from."),
}
_HEAD_COUNTS: Rows = {
    "nissa_head_entropy_nats_total": ("nats", "Sum of the masked entropies over decisions that had a choice."),
    "nissa_head_log_valid_nats_total": ("nats", "Sum of log(valid choices) over decisions that had a choice."),
    "nissa_head_decisions_total": ("decisions", "Decisions of updates in which the head mattered and had a choice."),
}
_HEAD_GAUGES: Rows = {"nissa_head_mean_policy_entropy_nats": ("nats", "Entropy of the mean policy, last update.")}
_DECISION: Rows = {
    "nissa_decision_value": ("reward", "The critic's estimate at the last decision."),
    "nissa_decision_reward": ("reward", "Reward that the last decision earned."),
    "nissa_decision_accuracy_delta_ratio": ("ratio", "Change of the validation accuracy over the last decision."),
    "nissa_advantage_mean": ("reward", "Mean advantage of the episode scored last, before normalization."),
    "nissa_advantage_std": ("reward", "Standard deviation of the advantages of the episode scored last."),
}
_ACTIONS: Rows = {
    "nissa_decisions_total": ("decisions", "Decisions, by operation."),
    "nissa_decisions_agreed_total": ("decisions", "Decisions that the heuristic would have made too, in every part."),
}
_MASKED: Rows = {"nissa_decisions_masked_total": ("decisions", "Decisions in which masks left no choice at all.")}
_CHOICES: Rows = {
    "nissa_head_relevant_total": ("decisions", "Decisions whose operation used the head."),
    "nissa_head_forced_total": ("decisions", "Those among them in which one choice alone was valid."),
}

METRICS = (
    *metrics("gauge", GROUP, _POLICY),
    *metrics("counter", GROUP, _UPDATES),
    *metrics("counter", (*GROUP, "head"), _HEAD_COUNTS),
    *metrics("gauge", (*GROUP, "head"), _HEAD_GAUGES),
    *metrics("gauge", ENV, _DECISION),
    *metrics("gauge", (*ENV, "component"), {"nissa_reward_component": ("reward", "Reward of the last decision.")}),
    *metrics("counter", (*ENV, "action"), _ACTIONS),
    *metrics("counter", ENV, _MASKED),
    *metrics("counter", (*ENV, "head"), _CHOICES),
)


def _updated(at: Labels, event: Event[PolicyUpdated]) -> Iterator[Sample]:
    group, row = at[:2], event.payload
    yield "nissa_policy_loss", group, row.policy_loss
    yield "nissa_policy_value_loss", group, row.value_loss
    yield "nissa_policy_entropy_nats", group, row.entropy
    yield "nissa_policy_approx_kl_nats", group, row.approx_kl
    yield "nissa_policy_clip_fraction_ratio", group, row.clip_fraction
    yield "nissa_policy_explained_variance_ratio", group, row.explained_variance
    yield "nissa_policy_probability_ratio_max", group, row.ratio_max
    yield "nissa_policy_value_mean", group, row.value_mean
    yield "nissa_policy_value_std", group, row.value_std
    yield "nissa_policy_return_mean", group, row.return_mean
    yield "nissa_policy_return_std", group, row.return_std
    yield "nissa_policy_grad_norm", group, row.grad_norm
    yield "nissa_policy_learning_rate", group, row.learning_rate
    for head, sums in row.heads.items():
        yield "nissa_head_mean_policy_entropy_nats", (*group, head), sums.mean_policy_entropy


def _decided(at: Labels, event: Event[DecisionMade]) -> Iterator[Sample]:
    row = event.payload
    yield "nissa_decision_value", at, row.value
    yield "nissa_decision_reward", at, row.reward
    yield "nissa_decision_accuracy_delta_ratio", at, ratio(row.accuracy_delta)
    for component, reward in (row.reward_components or {}).items():
        yield "nissa_reward_component", (*at, component), reward


def _scored(at: Labels, event: Event[DecisionsScored]) -> Iterator[Sample]:
    if advantages := event.payload.advantages:
        # Not statistics.fmean, nor ** 2: they raise on infinities and on what overflows.
        mean = sum(advantages) / len(advantages)
        variance = sum((advantage - mean) * (advantage - mean) for advantage in advantages) / len(advantages)
        yield "nissa_advantage_mean", at, mean
        yield "nissa_advantage_std", at, variance**0.5


def _count_update(at: Labels, event: Event[PolicyUpdated]) -> Iterator[Sample]:
    group, row = at[:2], event.payload
    yield "nissa_policy_updates_total", group, 1
    yield "nissa_policy_early_stops_total", group, row.early_stopped
    yield "nissa_policy_decisions_total", group, row.decisions
    for head, sums in row.heads.items():
        yield "nissa_head_entropy_nats_total", (*group, head), sums.entropy
        yield "nissa_head_log_valid_nats_total", (*group, head), sums.log_valid
        yield "nissa_head_decisions_total", (*group, head), sums.decisions


def _named(_: Labels, event: Event[RunStarted]) -> Iterator[Sample]:
    for head in names(event.payload.hyperparameters.get("heads")):
        yield "nissa_head_relevant_total", (head,), 0
        yield "nissa_head_forced_total", (head,), 0


def _open_episode(at: Labels, _: Event[EpisodeStarted]) -> Iterator[Sample]:
    for name in _UPDATES:
        yield name, at[:2], 0
    yield "nissa_decisions_masked_total", at, 0
    for operation in _OPERATIONS:
        yield "nissa_decisions_total", (*at, operation), 0
        yield "nissa_decisions_agreed_total", (*at, operation), 0


def _count_decision(at: Labels, event: Event[DecisionMade]) -> Iterator[Sample]:
    row = event.payload
    operation = (*at, row.action.op)
    yield "nissa_decisions_total", operation, 1
    yield "nissa_decisions_agreed_total", operation, row.heuristic is not None and row.action == row.heuristic
    yield "nissa_decisions_masked_total", at, row.masked
    for head, choice in row.heads.items():
        yield from _count_choice((*at, head), choice)
        # An update will learn from it.
        for name in _HEAD_COUNTS:
            yield name, (*at[:2], head), 0


def _count_choice(head: Labels, choice: HeadDecision) -> Iterator[Sample]:
    yield "nissa_head_relevant_total", head, choice.relevant
    yield "nissa_head_forced_total", head, choice.relevant and choice.forced


GAUGES: Readings = {PolicyUpdated: _updated, DecisionMade: _decided, DecisionsScored: _scored}
COUNTS: Readings = {PolicyUpdated: _count_update, EpisodeStarted: _open_episode, DecisionMade: _count_decision}
KNOWN: Readings = {RunStarted: _named}
