"""What follows from the events? An operator is a function from an Observable of events to an Observable of payloads.

These are the ones that one may take; each is made of a pure step, so that it runs alike live and in a replay.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nissa.operators.anomalies import detect_anomalies
    from nissa.operators.assessment import accuracy_trends, assess_epochs
    from nissa.operators.features import feature_vectors
    from nissa.operators.fidelity import escalate
    from nissa.operators.fold import Fold, Operator, only
    from nissa.operators.growth import best_runs, blueprint_stats, seed_scoreboard
    from nissa.operators.policy import policy_collapse, policy_spikes
    from nissa.operators.traces import flight_recorder

__all__ = [
    "Fold",
    "Operator",
    "accuracy_trends",
    "assess_epochs",
    "best_runs",
    "blueprint_stats",
    "detect_anomalies",
    "escalate",
    "feature_vectors",
    "flight_recorder",
    "only",
    "policy_collapse",
    "policy_spikes",
    "seed_scoreboard",
]

_ROOMS = {
    "anomalies": ("detect_anomalies",),
    "assessment": ("accuracy_trends", "assess_epochs"),
    "features": ("feature_vectors",),
    "fidelity": ("escalate",),
    "fold": ("Fold", "Operator", "only"),
    "growth": ("best_runs", "blueprint_stats", "seed_scoreboard"),
    "policy": ("policy_collapse", "policy_spikes"),
    "traces": ("flight_recorder",),
}
_HOMES = {name: f"nissa.operators.{room}" for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    """Names are resolved on first use: whoever imports `nissa.operators.fold` need not load every operator."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
