"""The words that pass between operators, sinks and dashboards, each declared once."""

from typing import Literal, NamedTuple

__all__ = [
    "ACCOUNT_MISMATCH",
    "ACCURACY_DROP",
    "ALERT_NAMES",
    "ALERT_OVER",
    "CLIP_FRACTION_SPIKE",
    "COMPLAINTS",
    "DEGENERATE_RETURNS",
    "DORMANT_UNITS",
    "EMPTY_STAGES",
    "ENTROPY_COLLAPSE",
    "ENTROPY_LOW",
    "ENV_ALERTS",
    "FLAGS",
    "GATES",
    "GATE_FAILURE",
    "GRADIENT_EXPLOSION",
    "IMPLAUSIBLE_VALUE",
    "INITIATORS",
    "KL_SPIKE",
    "LEARNING",
    "LOSS_SPIKE",
    "MARK",
    "NON_FINITE",
    "OPERATIONS",
    "OPPORTUNITIES",
    "OUTCOMES",
    "POLICY_ALERTS",
    "POLICY_STALLED",
    "POLICY_UNMOVED",
    "RANK_ALERTS",
    "RANK_DIVERGED",
    "RANK_SILENT",
    "RANK_STRAGGLER",
    "RATIO_EXPLOSION",
    "SEVERITIES",
    "STAGES",
    "STAGE_TRANSITION",
    "STRATEGIES",
    "UNSEEN",
    "VALUE_COLLAPSE",
    "Alert",
    "Fidelity",
    "severity_rank",
]

MARK = "info"
"""The severity of what is no fault, such as a seed's new stage or a gate that did not open."""
SEVERITIES = (MARK, "warning", "critical")
"""From the least."""


def severity_rank(severity: str) -> int:
    """Its place among the severities; one that a newer writer told is the worst."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


class Alert(NamedTuple):
    """What an alert is called, and how bad it is. A second severity of the same name is an alert of its own."""

    name: str
    severity: str


LOSS_SPIKE = Alert("loss_spike", "warning")
ACCURACY_DROP = Alert("accuracy_drop", "warning")
GRADIENT_EXPLOSION = Alert("gradient_explosion", "critical")
NON_FINITE = Alert("non_finite", "critical")
DORMANT_UNITS = Alert("dormant_units", "warning")
ACCOUNT_MISMATCH = Alert("account_mismatch", "warning")
IMPLAUSIBLE_VALUE = Alert("implausible_value", "warning")
GATE_FAILURE = Alert("gate_failure", "info")
STAGE_TRANSITION = Alert("stage_transition", "info")

ENTROPY_COLLAPSE = Alert("entropy_collapse", "critical")
ENTROPY_LOW = Alert("entropy_collapse", "warning")
VALUE_COLLAPSE = Alert("value_collapse", "critical")
DEGENERATE_RETURNS = Alert("degenerate_returns", "warning")
KL_SPIKE = Alert("kl_spike", "warning")
CLIP_FRACTION_SPIKE = Alert("clip_fraction_spike", "warning")
RATIO_EXPLOSION = Alert("ratio_explosion", "critical")
POLICY_STALLED = Alert("policy_stalled", "warning")
POLICY_UNMOVED = Alert("policy_unmoved", "warning")

RANK_STRAGGLER = Alert("rank_straggler", "warning")
RANK_DIVERGED = Alert("rank_diverged", "critical")
RANK_SILENT = Alert("rank_silent", "critical")

ENV_ALERTS = (
    *(LOSS_SPIKE, ACCURACY_DROP, GRADIENT_EXPLOSION, NON_FINITE, DORMANT_UNITS, ACCOUNT_MISMATCH),
    *(IMPLAUSIBLE_VALUE, GATE_FAILURE, STAGE_TRANSITION),
)
"""Raised of an environment. They are exported as 0 before they first happen."""
POLICY_ALERTS = (
    *(ENTROPY_COLLAPSE, VALUE_COLLAPSE, DEGENERATE_RETURNS),
    *(KL_SPIKE, CLIP_FRACTION_SPIKE, RATIO_EXPLOSION, NON_FINITE, POLICY_STALLED, POLICY_UNMOVED),
)
"""Raised of a policy, likewise; `ENTROPY_LOW` is exported from its first time on."""
RANK_ALERTS = (RANK_STRAGGLER, RANK_DIVERGED, RANK_SILENT)
"""Raised of a rank of a job, likewise."""
UNSEEN = frozenset({ACCOUNT_MISMATCH.name, IMPLAUSIBLE_VALUE.name, POLICY_STALLED.name, POLICY_UNMOVED.name})
UNSEEN |= {alert.name for alert in RANK_ALERTS}
"""Names of alerts that no batch and no layer explains: they open no trace, and ask for no closer look."""
ALERT_NAMES = tuple(sorted({alert.name for alert in (*ENV_ALERTS, *POLICY_ALERTS, *RANK_ALERTS)}))
"""Of all alerts."""
ALERT_OVER = ("recovered", "mark", "stage_changed")
"""Clauses of an end that say that the rule does not hold any more. By all others it ended because nobody looked on."""

FLAGS = (
    *("non_finite", "exploding_gradients", "diverging", "accuracy_collapse", "isolation_leak", "vanishing_gradients"),
    *("dead_gradients", "dead_units", "overfitting", "sustained_plateau", "sharp_minimum", "class_imbalance"),
)
"""What may be wrong with a network, the worst first."""
LEARNING = ("starting", "improving", "plateau", "worsening", "broken")
"""How a network learns."""
OPPORTUNITIES = ("slot_available", "healthy_gradients", "underfitting")
"""What could be done with it."""
COMPLAINTS = ("non_finite", "exploding", "vanishing", "dead")
"""What may be wrong with a layer, the worst first."""

STAGES = (
    *("DORMANT", "GERMINATED", "TRAINING", "BLENDING", "SHADOWING", "HOLDING"),
    *("FOSSILIZED", "CULLED", "EMBARGOED", "RESETTING"),
)
"""A slot's stages, in the order of a seed's life; SHADOWING is of logs from before 9 December 2025."""
EMPTY_STAGES = frozenset({"DORMANT", "CULLED", "EMBARGOED", "RESETTING"})
"""Those of a slot whose seed is not there, or not any more."""
GATES = ("G0", "G1", "G2", "G3", "G4", "G5")
"""What a seed must pass on its way."""

STRATEGIES = ("factorial", "ablation", "permutations", "kernel")
"""Which configurations of a network's seeds may be measured: all; all seeds on, none, and each off alone; those on the
way of seeds that are switched on one by one, in orders that are drawn; pairs of a configuration and its opposite."""

OUTCOMES = ("completed", "failed", "interrupted")
"""How a run may end."""
OPERATIONS = ("WAIT", "GERMINATE", "CULL", "FOSSILIZE")
"""What a policy may decide."""
INITIATORS = ("policy", "heuristic", "gate", "episode_end")
"""Who ends a seed."""
Fidelity = Literal["normal", "dense"]
"""How closely probes look: as the profile says, or as finely as the profile "research"."""
