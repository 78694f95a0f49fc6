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
    agreed, made = (total(of(f"nissa_decisions_{name}total"), by) for name in ("agreed_", ""))
    masked, all_of_them = (total(of(f"nissa_decisions_{name}total")) for name in ("masked_", ""))
    often = Query(total(rate("nissa_decisions_total"), by), legend)
    return [
        lines("Decisions", "By operation, in a second.", "cps", often, size=(24, 8), style="stacked"),
        bars(
            "Agreement with the heuristic",
            "Share of the decisions since the run began that the heuristic would have made too.",
            "percentunit",
            Query(held(f"{agreed} / ({made} > 0)"), legend),
            size=(12, 8),
        ),
        bars(
            "Masked decisions",
            "Share of the decisions since the run began in which masks left no choice at all.",
            "percentunit",
            Query(held(f"{masked} / ({all_of_them} > 0)"), _GROUP),
            size=(12, 8),
        ),
    ]
