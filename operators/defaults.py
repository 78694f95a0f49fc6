"""Which operators does a run have, unless it is told otherwise?"""

from typing import Any

from nissa.operators.anomalies.training_anomalies import anomalies
from nissa.operators.assessment.accuracy_trend import trends
from nissa.operators.assessment.epoch_assessment import narrative
from nissa.operators.features.feature_vector import features
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
    summaries: list[Fold[Any]] = [blueprint_stats(), seed_scoreboard(), best_runs(), narrative(), features()]
    noticing: list[Fold[Any]] = [anomalies(), trends(), policy_collapse(), policy_spikes()]
    following: list[Fold[Any]] = [escalate(), flight_recorder()]
    return {fold.name: fold for fold in (*summaries, *noticing, *following)}
