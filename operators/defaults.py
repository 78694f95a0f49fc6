"""The operators that every run has, live and in a replay."""

from typing import Any

from nissa.operators.anomalies.training_anomalies import detect_anomalies
from nissa.operators.assessment.accuracy_trend import accuracy_trends
from nissa.operators.assessment.epoch_assessment import assess_epochs
from nissa.operators.features.feature_vector import feature_vectors
from nissa.operators.fidelity.escalation import escalate
from nissa.operators.fold import Fold, Operator
from nissa.operators.growth.best_runs import best_runs
from nissa.operators.growth.blueprints import blueprint_stats
from nissa.operators.growth.scoreboard import seed_scoreboard
from nissa.operators.policy.collapse import policy_collapse
from nissa.operators.policy.update_spikes import policy_spikes
from nissa.operators.traces.recorder import flight_recorder

__all__ = ["default_operators"]


def default_operators() -> dict[str, Operator]:
    """Fresh operators by name, in the order in which they see an event."""
    summaries: list[Fold[Any]] = [blueprint_stats(), seed_scoreboard(), best_runs(), assess_epochs(), feature_vectors()]
    noticing: list[Fold[Any]] = [detect_anomalies(), accuracy_trends(), policy_collapse(), policy_spikes()]
    following: list[Fold[Any]] = [escalate(), flight_recorder()]
    return {fold.name: fold for fold in (*summaries, *noticing, *following)}
