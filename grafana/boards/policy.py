"""Is the policy healthy, and what does it do? Updates, entropies, values, rewards and decisions."""

from typing import Any

from nissa.grafana.boards.frame import Sections, dashboard
from nissa.grafana.boards.rewards import rewards
from nissa.grafana.panels import (
    CLIP_FRACTION,
    ENTROPY,
    EXPLAINED_VARIANCE,
    KL,
    LEAST,
    NONE,
    PROBABILITY_RATIO,
    VALUE_SPREAD,
    Limits,
    bars,
    lines,
)
from nissa.grafana.promql import Query, held, increase, of, once, rate, since, spread, total

__all__ = ["policy_board"]

_GROUP = "{{group}} {{run}}"
_POLICY = "{{env}} {{group}} {{run}}"
_BY = "run, group, env"
"""A policy may be of a group, which has no environment, or of each environment."""
_HEAD = f"{_BY}, head"
_OF = "$env|"


def policy_board() -> dict[str, Any]:
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
    return lines(title, text, unit, Query(_last(metric), _POLICY), size=(8, 8), limits=limits)


def _last(metric: str) -> str:
    return once(of(metric, env=_OF), _BY)


def _exploration() -> list[Any]:
    chosen, possible = (
        total(rate(f"nissa_head_{name}_nats_total", env=_OF), _HEAD) for name in ("entropy", "log_valid")
    )
    text = (
        "Masked entropy of each head by the most that it could have with the choices that were valid: 1 is uniform, "
        "0 certain. Below the lines it may have collapsed, unless what it chooses tells about the state."
    )
    mean = "Entropy of the policy's mean over states: high while the entropy is low, the policy is sure, but not blind."
    mean_policy = once(of("nissa_head_mean_policy_entropy_nats", env=_OF), _HEAD)
    joint = "Mean entropy of the joint action, in nats."
    return [
        lines(
            "Entropy by head",
            text,
            "percentunit",
            Query(f"{chosen} / ({possible} > 0)", f"{{{{head}}}} {_POLICY}"),
            limits=ENTROPY,
            style="sparse",
        ),
        lines("Entropy of the mean policy", mean, "none", Query(mean_policy, f"{{{{head}}}} {_POLICY}")),
        lines("Joint entropy", joint, "none", Query(_last("nissa_policy_entropy_nats"), _POLICY)),
        _forced(),
    ]


def _forced() -> Any:
    text = "Decisions since the run began in which one choice of the head alone was valid, of those that used it."
    forced, used = (total(of(f"nissa_head_{name}_total"), "run, group, head") for name in ("forced", "relevant"))
    query = Query(held(f"{forced} / ({used} > 0)"), f"{{{{head}}}} {_GROUP}")
    return bars("Forced choices", text, "percentunit", query, size=(12, 8))


def _updates() -> list[Any]:
    early, updates = (
        total(increase(f"nissa_policy_{name}_total", env=_OF), _BY) for name in ("early_stops", "updates")
    )
    stopped = "Updates whose KL passed its target, which ended their passes, of all updates in the time of a point."
    return [
        _since_update(),
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
        _counter("Updates", "Updates of the policy since the run began.", "nissa_policy_updates_total"),
        lines(
            "Stopped early",
            stopped,
            "percentunit",
            Query(f"{early} / ({updates} > 0)", _POLICY),
            size=(8, 8),
            style="sparse",
        ).interval(LEAST),
        _counter(
            "Decisions learned from",
            "Decisions that updates learned from since the run began.",
            "nissa_policy_decisions_total",
        ),
    ]


def _since_update() -> Any:
    text = (
        "Time since the policy was updated last, until its run ends: all other figures of updates are of then. It "
        "rises for as long as no update comes, and for an hour after the trainer is gone."
    )
    query = Query(once(since("nissa_policy_last_update_timestamp_seconds", env=_OF), _BY), _POLICY)
    return lines("Since the last update", text, "s", query, size=(24, 7), style="slopes")


def _counter(title: str, text: str, metric: str) -> Any:
    """What grows now and then, as steps."""
    return lines(title, text, "short", Query(total(of(metric, env=_OF), _BY), _POLICY), size=(8, 8))


def _critic() -> list[Any]:
    return [*_knowledge(), *_values()]


def _knowledge() -> list[Any]:
    """What a collapse of the critic is judged by."""
    explained = "1 - Var(return - value) / Var(return): 1 knows it all, 0 nothing of the state, below 0 is worse still."
    told = (
        "Standard deviation of the values by that of the returns: a critic that says nearly the same of every state "
        "has next to none. Below the line it has collapsed, if it explains as little."
    )
    value, returned = (_last(f"nissa_policy_{name}_std") for name in ("value", "return"))
    by_returns = Query(f"{value} / ({returned} > 0)", _POLICY)
    known = Query(_last("nissa_policy_explained_variance_ratio"), _POLICY)
    return [
        lines("Explained variance", explained, "percentunit", known, limits=EXPLAINED_VARIANCE),
        lines("Spread of values by that of returns", told, "percentunit", by_returns, limits=VALUE_SPREAD),
    ]


def _values() -> list[Any]:
    means = "Means over an update; apart from each other, the critic is biased."
    spreads = "Of values and returns over an update; values that hardly vary know nothing."
    last = "The critic's estimate, over environments."
    advantage = "Mean advantage of the episode scored last, over environments."
    return [
        lines("Values and returns", means, "none", *_pair("mean"), size=(8, 8)),
        lines("Standard deviations", spreads, "none", *_pair("std"), size=(8, 8)),
        _figure("Value loss", "Mean squared error of the critic.", "nissa_policy_value_loss"),
        lines("Value at the last decision", last, "none", *spread(of("nissa_decision_value"))),
        lines("Advantage", advantage, "none", *spread(of("nissa_advantage_mean"))),
    ]


def _pair(figure: str) -> list[Query]:
    return [Query(_last(f"nissa_policy_{name}_{figure}"), f"{name} {_POLICY}") for name in ("value", "return")]
