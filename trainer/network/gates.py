"""The gates between the stages of a seed's life, as a table: what is asked, and how much is enough."""

from collections.abc import Mapping
from dataclasses import dataclass

from nissa.events.kinds import GateCheck

__all__ = ["GATES", "Gate", "Rule", "checks", "reason"]


@dataclass(frozen=True)
class Rule:
    """One condition: the fact of that name must stand in `relation` to `threshold`."""

    fact: str
    relation: str
    threshold: float


@dataclass(frozen=True)
class Gate:
    """The conditions for a stage, and how long a seed stays in the one before until the gate is asked."""

    target_stage: str
    rules: tuple[Rule, ...]
    due: int = 0
    """Epochs in the stage before. A gate asked earlier could only fail, and a failure should be news."""


GATES = {
    "G0": Gate("GERMINATED", (Rule("growth_ratio_after", "<=", 1.7), Rule("epochs_left", ">=", 12.0))),
    "G1": Gate(
        "TRAINING",
        (
            Rule("gradient_norm", ">=", 1e-6),
            Rule("gradient_norm", "<=", 1e3),
            Rule("finite_epochs", ">=", 1.0),
        ),
        due=1,
    ),
    "G2": Gate(
        "BLENDING",
        (
            Rule("epochs_in_stage", ">=", 3.0),
            Rule("finite_epochs", ">=", 3.0),
            Rule("isolation_leakage", "<=", 0.0),
            Rule("isolation_forward_leakage", "<=", 0.0),
            Rule("accuracy_change", ">=", -2.0),
        ),
        due=3,
    ),
    "G3": Gate("HOLDING", (Rule("alpha", ">=", 1.0), Rule("accuracy_change", ">=", -3.0)), due=4),
    "G4": Gate("FOSSILIZED", (Rule("epochs_in_stage", ">=", 3.0), Rule("accuracy_trend", ">=", -1.0)), due=3),
    "G5": Gate("FOSSILIZED", (Rule("counterfactual_contribution", ">=", 0.5),)),
}
"""By name. `finite_epochs` are those in a row in which all that the seed put out in isolation, and its gradient, was
finite. Accuracies in percentage points: `accuracy_change` since the stage began, `accuracy_trend` = mean of the
last three epochs minus mean of the three before. G4 says that a seed is stable, G5 that it earns its place."""


def checks(gate: Gate, facts: Mapping[str, float | None]) -> list[GateCheck]:
    """Every rule held against the facts. A fact that is missing, None or NaN fails its rule."""
    return [_check(rule, facts.get(rule.fact)) for rule in gate.rules]


def reason(found: list[GateCheck]) -> str:
    """One line for a person: the checks that failed with their numbers, or that all passed."""
    failed = [
        f"{check.name} {_shown(check.value)} is not {check.relation} {check.threshold:g}"
        for check in found
        if not check.passed
    ]
    return "; ".join(failed) or f"all {len(found)} checks passed"


def _check(rule: Rule, value: float | None) -> GateCheck:
    passed = value is not None and (value >= rule.threshold if rule.relation == ">=" else value <= rule.threshold)
    return GateCheck(name=rule.fact, value=value, relation=rule.relation, threshold=rule.threshold, passed=passed)


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:g}"
