"""Which values has a label? Those that a colour is kept for, by label; values of the reference trainer are its own.

Beside each other stand those that are seen beside each other: eight in a row have eight colours.
"""

from collections.abc import Mapping

from nissa.events.kinds import KINDS
from nissa.events.vocabulary import ALERT_NAMES, COMPLAINTS, FLAGS, GATES, TRENDS

__all__ = ["KNOWN"]

_BUSY = (
    *("batch_completed", "gradients_measured", "phase_timed", "decision_made"),
    *("activations_measured", "classes_measured", "epoch_assessed", "epoch_completed"),
)
"""Kinds of most events."""
_CHECKS = (
    *("accuracy_change", "accuracy_trend", "alpha", "counterfactual_contribution", "epochs_in_stage", "epochs_left"),
    *("gradient_norm", "growth_ratio_after", "isolation_leakage"),
)
_INITIATORS = ("episode_end", "gate", "heuristic", "policy")
_REWARDS = ("accuracy", "culled", "fossilized", "rent", "twin")
_SINKS = ("console", "log")
_HUB = ("dispatcher", "emit", "hub")

KNOWN: Mapping[str, tuple[str, ...]] = {
    "kind": (*_BUSY, *sorted({*KINDS, "unknown"} - {*_BUSY})),
    "complaint": tuple(sorted(COMPLAINTS)),
    "flag": tuple(sorted(FLAGS)),
    "reason": (*_CHECKS, *_INITIATORS, *ALERT_NAMES),
    "component": (*_REWARDS, *_HUB, *_SINKS),
    "sink": _SINKS,
    "phase": ("counterfactual", "decide", "train", "update", "validate"),
    "trend": tuple(sorted(TRENDS)),
    "percentile": ("p1", "p5", "p25", "p50", "p75", "p95", "p99"),
    "gate": GATES,
}
