"""What follows from the events? An operator is a function from an Observable of events to an Observable of payloads.

These are the ones that one may take; each is made of a pure step, so that it runs alike live and in a replay. All are
loaded together: `Telemetry` does so when a run begins.
"""

from typing import Any

from nissa.operators.accounts import account_mismatch
from nissa.operators.analytics import growth_analytics
from nissa.operators.anomalies import detect_anomalies
from nissa.operators.assessment import accuracy_trends, assess_epochs
from nissa.operators.attribution import attribute_seeds
from nissa.operators.decisions import explain_decisions
from nissa.operators.features import feature_vectors
from nissa.operators.fidelity import escalate, govern
from nissa.operators.fold import Fold, Operator, only
from nissa.operators.growth import best_runs, blueprint_stats, seed_scoreboard
from nissa.operators.plausibility import implausible_values
from nissa.operators.policy import policy_collapse, policy_spikes, policy_stalled
from nissa.operators.traces import flight_recorder
from nissa.operators.verdict import verdicts

__all__ = [
    "Fold",
    "Operator",
    "account_mismatch",
    "accuracy_trends",
    "assess_epochs",
    "attribute_seeds",
    "best_runs",
    "blueprint_stats",
    "default_operators",
    "detect_anomalies",
    "escalate",
    "explain_decisions",
    "feature_vectors",
    "flight_recorder",
    "govern",
    "growth_analytics",
    "implausible_values",
    "only",
    "policy_collapse",
    "policy_spikes",
    "policy_stalled",
    "seed_scoreboard",
    "verdicts",
]


def default_operators() -> dict[str, Operator]:
    """Fresh operators by name, as every run has them, in the order in which they see an event."""
    growing: list[Fold[Any]] = [blueprint_stats(), seed_scoreboard(), best_runs(), verdicts(), attribute_seeds()]
    seeing: list[Fold[Any]] = [assess_epochs(), feature_vectors(), explain_decisions()]
    noticing: list[Fold[Any]] = [detect_anomalies(), accuracy_trends()]
    noticing += [policy_collapse(), policy_spikes(), policy_stalled(), account_mismatch(), implausible_values()]
    following: list[Fold[Any]] = [escalate(), govern(), flight_recorder(), growth_analytics()]
    return {fold.name: fold for fold in (*growing, *seeing, *noticing, *following)}
