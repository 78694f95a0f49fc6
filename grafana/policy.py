"""Is the policy healthy, and what does it do? Updates, entropies, values, rewards and decisions."""

from typing import Any

from nissa.grafana.frame import Sections, dashboard
from nissa.grafana.panels import NONE, bars, lines
from nissa.grafana.queries import Query, increase, of, rate, spread
from nissa.grafana.rewards import counted, rewards
from nissa.grafana.thresholds import CLIP_FRACTION, ENTROPY, EXPLAINED_VARIANCE, KL, PROBABILITY_RATIO, Limits

__all__ = ["policy"]

_GROUP = "{{run}} {{group}}"
_BY = "run, group"


def policy() -> dict[str, Any]:
    """The dashboard "Nissa policy"."""
    text = "PPO's updates, whether the policy still explores, what its critic knows, what it earns and what it decides."
    return dashboard("nissa-policy", "Nissa policy", text, _sections())


def _sections() -> Sections:
    return {
        "Does it explore?": _exploration(),
        "Updates": _updates(),
        "The critic": _critic(),
        **rewards(),
    }


def _figure(title: str, text: str, metric: str, unit: str = "none", limits: Limits = NONE) -> Any:
    return lines(title, text, unit, Query(of(metric), _GROUP), size=(8, 8), limits=limits)


def _exploration() -> list[Any]:
    chosen = f"sum by (run, group, head) ({rate('nissa_head_entropy_nats_total')})"
    possible = f"sum by (run, group, head) ({rate('nissa_head_log_valid_nats_total')})"
    text = (
        "Masked entropy of each head by the most that it could have with the choices that were valid: 1 is uniform, "
        "0 certain. Below the lines it may have collapsed, unless what it chooses tells about the state."
    )
    mean = "Entropy of the policy's mean over states: high while the entropy is low, the policy is sure, but not blind."
    head = Query(of("nissa_head_mean_policy_entropy_nats"), f"{_GROUP} {{{{head}}}}")
    return [
        lines(
            "Entropy by head",
            text,
            "percentunit",
            Query(f"{chosen} / ({possible} > 0)", f"{_GROUP} {{{{head}}}}"),
            limits=ENTROPY,
            style="sparse",
        ),
        lines("Entropy of the mean policy", mean, "none", head),
        _figure("Joint entropy", "Mean entropy of the joint action, in nats.", "nissa_policy_entropy_nats"),
        _share(
            "Forced choices",
            "Decisions in which one choice of the head alone was valid, of those that used it.",
            "forced",
        ),
        counted(
            "Choices by head",
            "Decisions in which the head mattered and had a choice, in a second.",
            "nissa_head_decisions_total",
            "head",
        ),
    ]


def _share(title: str, text: str, what: str) -> Any:
    forced, used = (f"sum by (head) ({of(f'nissa_head_{name}_total')})" for name in (what, "relevant"))
    return bars(title, text, "percentunit", Query(f"{forced} / ({used} > 0)", "{{head}}"))


def _updates() -> list[Any]:
    early, updates = increase("nissa_policy_early_stops_total"), increase("nissa_policy_updates_total")
    stopped = "Updates whose KL passed its target, which ended their passes, of all updates in the time of a point."
    return [
        _figure(
            "KL",
            "How far an update moved the policy, in nats (Schulman's k3).",
            "nissa_policy_approx_kl_nats",
            limits=KL,
        ),
        _figure(
            "Clip fraction",
            "Share of the probability ratios that an update clipped.",
            "nissa_policy_clip_fraction_ratio",
            "percentunit",
            CLIP_FRACTION,
        ),
        _figure(
            "Largest probability ratio",
            "New policy by old, the largest of an update.",
            "nissa_policy_probability_ratio_max",
            "suffix:x",
            PROBABILITY_RATIO,
        ),
        _figure("Policy loss", "Clipped surrogate loss.", "nissa_policy_loss"),
        _figure(
            "Gradient",
            "Norm of the policy's gradient before clipping, mean of an update.",
            "nissa_policy_grad_norm",
            "short",
        ),
        _figure("Learning rate", "Step size of the policy's optimizer.", "nissa_policy_learning_rate", "sci"),
        lines("Updates", "In the time of a point.", "short", Query(f"sum by ({_BY}) ({updates})", _GROUP), size=(8, 8)),
        lines(
            "Stopped early",
            stopped,
            "percentunit",
            Query(f"{early} / ({updates} > 0)", _GROUP),
            size=(8, 8),
            style="sparse",
        ),
        lines(
            "Decisions learned from",
            "In a second.",
            "cps",
            Query(rate("nissa_policy_decisions_total"), _GROUP),
            size=(8, 8),
        ),
    ]


def _critic() -> list[Any]:
    explained = "1 - Var(return - value) / Var(return): 1 knows it all, 0 nothing of the state, below 0 is worse still."
    return [
        _figure(
            "Explained variance", explained, "nissa_policy_explained_variance_ratio", "percentunit", EXPLAINED_VARIANCE
        ),
        lines(
            "Values and returns",
            "Means over an update; apart from each other, the critic is biased.",
            "none",
            *_pair("mean"),
            size=(8, 8),
        ),
        lines(
            "Spread of values and returns",
            "Standard deviations; values that hardly vary know nothing.",
            "none",
            *_pair("std"),
            size=(8, 8),
        ),
        _figure("Value loss", "Mean squared error of the critic.", "nissa_policy_value_loss"),
        lines(
            "Value at the last decision",
            "The critic's estimate, over environments.",
            "none",
            *spread(of("nissa_decision_value")),
            size=(8, 8),
        ),
        lines(
            "Advantage",
            "Mean advantage of the episode scored last, over environments.",
            "none",
            *spread(of("nissa_advantage_mean")),
            size=(8, 8),
        ),
    ]


def _pair(figure: str) -> list[Query]:
    return [Query(of(f"nissa_policy_{name}_{figure}"), f"{_GROUP} {name}") for name in ("value", "return")]
