"""What does the policy earn, and what does it decide?"""

from typing import Any

from nissa.grafana.frame import Sections
from nissa.grafana.panels import bars, lines
from nissa.grafana.queries import Query, of, rate, spread

__all__ = ["counted", "rewards"]

_BY, _GROUP = "run, group", "{{run}} {{group}}"


def rewards() -> Sections:
    """The sections of the dashboard "Nissa policy" on rewards and decisions."""
    return {"Rewards": _rewards(), "Decisions": _decisions()}


def _rewards() -> list[Any]:
    parts = Query(f"avg by (component) ({of('nissa_reward_component')})", "{{component}}")
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
            parts,
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
    agreed, made = (f"sum by (action) ({of(f'nissa_decisions_{name}total')})" for name in ("agreed_", ""))
    masked = f"sum by ({_BY}) ({of('nissa_decisions_masked_total')}) / sum by ({_BY}) ({of('nissa_decisions_total')})"
    return [
        counted("Decisions", "By operation, in a second.", "nissa_decisions_total", "action"),
        bars(
            "Agreement with the heuristic",
            "Share of the decisions that the heuristic would have made too.",
            "percentunit",
            Query(f"{agreed} / ({made} > 0)", "{{action}}"),
        ),
        bars(
            "Masked decisions",
            "Share of the decisions in which masks left no choice at all.",
            "percentunit",
            Query(masked, _GROUP),
        ),
    ]


def counted(title: str, text: str, metric: str, label: str) -> Any:
    """Growth of a counter in a second, by one label."""
    expr = f"sum by ({label}) ({rate(metric)})"
    return lines(title, text, "cps", Query(expr, f"{{{{{label}}}}}"), size=(8, 8), style="stacked")
