"""What does the policy earn, and what does it decide?"""

from typing import Any

from nissa.grafana.boards.frame import Sections
from nissa.grafana.panels import bars, lines
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
    ]


def _share(title: str, text: str, pair: tuple[str, str], by: str, legend: str) -> Any:
    part, whole = (total(of(f"nissa_decisions_{name}_total"), by) for name in pair)
    return bars(title, text, "percentunit", Query(held(f"{part} / ({whole} > 0)"), legend), size=(12, 8))


def _refused() -> Any:
    text = "Decisions since the run began that were not carried out, by what refused them."
    refused = held(total(of("nissa_decisions_refused_total"), "run, group, action, reason"))
    query = Query(f"sort_desc(({refused}) > 0)", f"{{{{action}}}} {{{{reason}}}} {_GROUP}")
    return bars("Refused", text, "short", query, size=(24, 8), none="no decision was refused")
