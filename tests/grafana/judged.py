"""What do alerts judge by, where no panel has a limit for it, or where a detector has judged before?"""

from collections.abc import Mapping

from nissa.operators.policy import COLLAPSE_LIMITS, SPIKE_LIMITS
from nissa.operators.policy.figures import DEGENERATE

__all__ = ["DETECTED", "NOT_A_NUMBER", "NOT_SHOWN"]

NOT_SHOWN = {
    "increase(nissa_gate_evaluations_total)": "how often a gate was asked says nothing of whether it opens",
    "increase(nissa_gate_passes_total)": "a gate that nobody asks does not open either",
    "increase(nissa_seeds_culled_total)": "panels show points, and how many are too many is said of an hour",
    "increase(nissa_alerts_total)": "panels show points, and how many are too many is said of ten minutes",
    "increase(nissa_alerts_total) / increase(nissa_batches_total)": "of ten minutes, too",
    "changes(nissa_alerts_total)": "as increases",
    "changes(nissa_alerts_total) / increase(nissa_batches_total)": "as increases",
    "nissa_episode_kept_growth_ratio": "by a fifth is too much only without a gain; by a half, live growth shows",
    "nissa_alert_active": "what the detector judges by is compared below",
    "nissa_pipeline_accepted_total": "panels show how fast it grows; none ever is no limit of that",
    "up": "Prometheus' own",
}
"""What alerts judge that no panel has a limit for, and why."""
NOT_A_NUMBER = {
    "NissaCullingThrash": "group:nissa_seeds_culled:increase1h{} <= 9 * group:nissa_seeds_fossilized:increase1h{}",
    "NissaRunFailed": "max without (outcome)(last_over_time("
    'nissa_run_ended_timestamp_seconds{outcome="failed"}[15m])) > time() - 900',
    "NissaScrapeStale": "last_over_time(nissa_run_started_timestamp_seconds{}[1h])"
    " == run:nissa_run_started_timestamp_seconds:last1h{} offset 10m",
}
"""Comparisons with something else than a number, by alert, which no step of a panel can be."""

DETECTED: Mapping[str, Mapping[str, tuple[str, float]] | str] = {
    "entropy_collapse": {
        "rate(nissa_head_entropy_nats_total) / rate(nissa_head_log_valid_nats_total)": ("<", COLLAPSE_LIMITS.critical)
    },
    "value_collapse": {
        "nissa_policy_value_std / nissa_policy_return_std": ("<", COLLAPSE_LIMITS.spread),
        "nissa_policy_explained_variance_ratio": ("<", COLLAPSE_LIMITS.explained),
    },
    "kl_spike": {"nissa_policy_approx_kl_nats": (">", SPIKE_LIMITS["approx_kl"].limit)},
    "clip_fraction_spike": {"nissa_policy_clip_fraction_ratio": (">", SPIKE_LIMITS["clip_fraction"].limit)},
    "ratio_explosion": {"nissa_policy_probability_ratio_max": (">", SPIKE_LIMITS["ratio_max"].limit)},
    "non_finite": {
        "nissa_grad_non_finite": (">", 0),
        "nissa_activation_non_finite": (">", 0),
        "nissa_layer_grad_non_finite": (">", 0),
        "nissa_layer_activation_non_finite": (">", 0),
    },
    "policy_stalled": "how many decisions without an update are too many, the updates before tell",
    "policy_unmoved": "a limit of 1e-8 would lie on the axis",
    "account_mismatch": "what an episode's end says is compared with what was told before",
    "implausible_value": "the range of a number is its field's own, and a fraction is told by its course",
    "rank_straggler": "a rank is compared with the others in the same step",
    "rank_diverged": "a rank is compared with the others, and with how far it usually is from them",
    "rank_silent": "how long a rank may be silent is a matter of what others tell meanwhile",
    "degenerate_returns": f"a limit of {DEGENERATE} would lie on the axis",
    "gradient_explosion": "a norm is compared with the median of its own last ones",
    "loss_spike": "a loss is compared with its own last ones",
    "accuracy_drop": "an accuracy is compared with the one before",
}
"""By alert of a detector that a rule passes on: what its limits are of, or why no panel can have them."""
