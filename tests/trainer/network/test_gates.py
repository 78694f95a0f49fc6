"""Each gate opens exactly when every one of its conditions holds."""

import math

import pytest

from nissa.trainer.network.gates import GATES, checks, reason

OPEN = {
    "G0": {"growth_ratio_after": 1.7, "epochs_left": 12.0},
    "G1": {"gradient_norm": 0.3, "finite_epochs": 1.0},
    "G2": {
        "epochs_in_stage": 3.0,
        "finite_epochs": 3.0,
        "isolation_leakage": 0.0,
        "isolation_forward_leakage": 0.0,
        "accuracy_change": -2.0,
    },
    "G3": {"alpha": 1.0, "accuracy_change": -3.0},
    "G4": {"epochs_in_stage": 3.0, "accuracy_trend": -1.0},
    "G5": {"counterfactual_contribution": 0.5},
}
SHUT = [
    ("G0", "growth_ratio_after", 1.71),
    ("G0", "epochs_left", 11.0),
    ("G1", "gradient_norm", 0.0),
    ("G1", "gradient_norm", math.inf),
    ("G1", "finite_epochs", 0.0),
    ("G2", "epochs_in_stage", 2.0),
    ("G2", "finite_epochs", 2.0),
    ("G2", "isolation_leakage", 1e-9),
    ("G2", "isolation_forward_leakage", 1e-9),
    ("G2", "accuracy_change", -2.1),
    ("G3", "alpha", 0.99),
    ("G3", "accuracy_change", -3.1),
    ("G4", "epochs_in_stage", 2.0),
    ("G4", "accuracy_trend", -1.1),
    ("G5", "counterfactual_contribution", 0.4),
]


@pytest.mark.parametrize("name", GATES)
def test_a_gate_opens_on_the_very_edge_of_its_conditions(name: str) -> None:
    found = checks(GATES[name], OPEN[name])
    assert all(check.passed for check in found)
    assert reason(found) == f"all {len(found)} checks passed"


@pytest.mark.parametrize(("name", "fact", "value"), SHUT)
def test_a_gate_stays_shut_for_each_condition_alone(name: str, fact: str, value: float) -> None:
    found = checks(GATES[name], OPEN[name] | {fact: value})
    failed = [check for check in found if not check.passed]
    assert [check.name for check in failed] == [fact]
    assert failed[0].value == value
    assert reason(found).startswith(f"{fact} {value:g} is not {failed[0].relation} {failed[0].threshold:g}")


@pytest.mark.parametrize("name", GATES)
@pytest.mark.parametrize("nothing", [None, math.nan])
def test_what_could_not_be_measured_or_is_broken_fails(name: str, nothing: float | None) -> None:
    for fact in OPEN[name]:
        assert not all(check.passed for check in checks(GATES[name], OPEN[name] | {fact: nothing}))


def test_a_fact_that_is_missing_is_said_not_to_be_measured() -> None:
    found = checks(GATES["G5"], {})
    assert found[0].value is None
    assert reason(found) == "counterfactual_contribution not measured is not >= 0.5"


def test_every_condition_is_tried_here_in_both_directions() -> None:
    rules = {(name, rule.fact, rule.relation) for name, gate in GATES.items() for rule in gate.rules}
    assert {(name, fact) for name, fact, _ in rules} == {(name, fact) for name, fact, _ in SHUT}
    assert len(rules) == len(SHUT)
