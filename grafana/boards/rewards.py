"""What does the policy earn, and what does it decide?"""

from typing import Any

from nissa.grafana.boards.frame import Sections
from nissa.grafana.panels import Column, bars, lines, rows
from nissa.grafana.promql import Query, held, of, rate, spread, total

__all__ = ["rewards"]

_GROUP = "{{group}} {{run}}"


def rewards() -> Sections:
    """The sections of the dashboard "Nissa policy" on rewards and decisions."""
    return {"Rewards": _rewards(), "Decisions": _decisions()}


def _rewards() -> list[Any]:
    parts = f"avg by (run, group, component) ({of('nissa_reward_component')})"
    delta = "Change of the validation accuracy over the last decision, over environments."
    return [
        lines(
            "Reward of an episode",
            "Sum over the last finished episode, over environments.",
            "none",
            *spread(of("nissa_episode_reward")),
        ),
        lines(
            "Components of the reward",
            "What the last decision's reward is made of, mean over environments.",
            "none",
            Query(parts, f"{{{{component}}}} {_GROUP}"),
        ),
        lines(
            "Reward of a decision",
            "Of the last decision, over environments.",
            "none",
            *spread(of("nissa_decision_reward")),
        ),
        lines("Change of accuracy", delta, "percentunit", *spread(of("nissa_decision_accuracy_delta_ratio"))),
    ]


def _decisions() -> list[Any]:
    by, legend = "run, group, action", f"{{{{action}}}} {_GROUP}"
    often = Query(total(rate("nissa_decisions_total"), by), legend)
    return [
        lines("Decisions", "By operation, in a second.", "cps", often, size=(24, 8), style="stacked"),
        _share(
            "Agreement by operation",
            "Share of the decisions since the run began for which the heuristic would have chosen the same operation, "
            "of those in whose place it was asked.",
            ("op_agreed", "heuristic_told"),
            by,
            legend,
        ),
        _share(
            "Agreement by all parts",
            "Share of the decisions since the run began that the heuristic would have made too, in every part, of "
            "those in whose place it was asked.",
            ("agreed", "heuristic_told"),
            by,
            legend,
        ),
        _share(
            "Carried out",
            "Share of the decisions since the run began that were carried out, of those of which it is told.",
            ("executed", "execution_told"),
            by,
            legend,
        ),
        _share(
            "Masked decisions",
            "Share of the decisions since the run began to which masks left no choice at all, of those of which it is "
            "told.",
            ("masked", "masking_told"),
            "run, group",
            _GROUP,
        ),
        _refused(),
        _gains(),
    ]


def _share(title: str, text: str, pair: tuple[str, str], by: str, legend: str) -> Any:
    part, whole = (total(of(f"nissa_decisions_{name}_total"), by) for name in pair)
    return bars(title, text, "percentunit", Query(held(f"{part} / ({whole} > 0)"), legend), size=(12, 8))


def _gains() -> Any:
    text = (
        "One row for each two operations: the heuristic would have chosen the first, and the policy chose the second. "
        "Gain: change of the validation accuracy over the five epochs from the decision on, net of the host alone, "
        "minus the same where both chose the first; low to high is its 95% interval, clustered by episode. Over all "
        "environments and their last hundred episodes. Observed, not tried: what led the policy there may matter too."
    )
    parts = {"gain": "gain_mean", "low": "gain_low", "high": "gain_high"}
    parts |= {"after differing": "differing_gain_mean", "after agreeing": "agreeing_gain_mean"}
    ratios = {head: Column(head, of(f"nissa_policy_{part}_ratio"), "percentunit") for head, part in parts.items()}
    counts = {head: Column(head, of(f"nissa_policy_{head}_decisions"), "short") for head in ("differing", "agreeing")}
    return rows(
        "Where it differs from the heuristic",
        text,
        ("run", "group", "heuristic_op", "policy_op"),
        *(ratios[head] for head in ("gain", "low", "high", "after differing")),
        counts["differing"],
        ratios["after agreeing"],
        counts["agreeing"],
        size=(24, 8),
        first="gain",
        none="it did not, or nobody asked",
    )


def _refused() -> Any:
    text = "Decisions since the run began that were not carried out, by what refused them."
    refused = held(total(of("nissa_decisions_refused_total"), "run, group, action, reason"))
    query = Query(f"sort_desc(({refused}) > 0)", f"{{{{action}}}} {{{{reason}}}} {_GROUP}")
    return bars("Refused", text, "short", query, size=(24, 8), none="no decision was refused")
