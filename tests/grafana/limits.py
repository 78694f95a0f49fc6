"""Which limits has a quantity, wherever it is shown? And which names and colours have its values?"""

import re
from collections.abc import Mapping

from nissa.grafana.panels import thresholds
from nissa.grafana.panels.palette import BAD, FINE, POOR
from nissa.grafana.panels.thresholds import ANY, Limits
from tests.grafana.promql import parsed
from tests.grafana.quantities import Quantity, quantity

__all__ = ["LIMITS", "NAMED", "colour_at", "limits_of", "steps_of"]

_NEVER = (
    *("nissa_pipeline_dropped_total", "nissa_sink_dropped_total", "nissa_sink_failed_total"),
    *("nissa_pipeline_reasons_total", "nissa_sink_reasons_total"),
    *("nissa_pipeline_faults_total", "nissa_pipeline_restarts_total", "nissa_scrape_errors_total"),
    *("nissa_label_sets_refused_total", "nissa_alert_active", "nissa_red_flag", "nissa_layers_with_complaint"),
    *("nissa_grad_non_finite", "nissa_activation_non_finite"),
    *(f"nissa_{loss}_loss != nissa_{loss}_loss" for loss in ("train", "val", "batch")),
    *("nissa_layer_grad_non_finite", "nissa_layer_activation_non_finite"),
    *("nissa_alerts_total - nissa_alerts_resolved_total", "ALERTS"),
    *("nissa_cluster_checkpoints_failed_total", "nissa_cluster_restarts_total"),
)
LIMITS: Mapping[str, Limits] = {
    **dict.fromkeys(_NEVER, ANY),
    "nissa_live_growth_ratio": thresholds.GROWTH,
    "nissa_compute_cost_ratio": thresholds.COMPUTE_COST,
    "nissa_flops_ratio": thresholds.COMPUTE_COST,
    "nissa_episode_kept_accuracy_ratio - nissa_episode_twin_accuracy_ratio": thresholds.GAIN,
    "nissa_health_ratio": thresholds.HEALTH,
    "nissa_train_accuracy_ratio - nissa_val_accuracy_ratio": thresholds.ACCURACY_GAP,
    "nissa_layer_grad_vanishing_ratio": thresholds.MOST_OF_A_LAYER,
    "nissa_layer_grad_exploding_ratio": thresholds.MOST_OF_A_LAYER,
    "time() - nissa_run_heartbeat_timestamp_seconds": thresholds.HEARTBEAT_AGE,
    "time() - nissa_run_last_event_timestamp_seconds": thresholds.SILENCE,
    "nissa_pipeline_lag_seconds": thresholds.LAG,
    "nissa_pipeline_queued_events": thresholds.QUEUED,
    "nissa_sink_queued_events": thresholds.QUEUED,
    "nissa_sink_oldest_seconds": thresholds.SINK_AGE,
    "nissa_cluster_run_stalled_seconds": thresholds.UNREAD,
    "rate(nissa_scrape_seconds_total) / rate(nissa_scrapes_total)": thresholds.SCRAPE_SECONDS,
    "nissa_sink_up": Limits(critical=1, below=True),
    "rate(nissa_head_entropy_nats_total) / rate(nissa_head_log_valid_nats_total)": thresholds.ENTROPY,
    "nissa_policy_approx_kl_nats": thresholds.KL,
    "nissa_policy_clip_fraction_ratio": thresholds.CLIP_FRACTION,
    "nissa_policy_probability_ratio_max": thresholds.PROBABILITY_RATIO,
    "nissa_policy_explained_variance_ratio": thresholds.EXPLAINED_VARIANCE,
    "nissa_policy_value_std / nissa_policy_return_std": thresholds.VALUE_SPREAD,
}
"""Limits by quantity; what is not here is neither good nor bad."""

_STAGES = (
    *("dormant", "germinated", "training", "blending", "shadowing", "holding"),
    *("fossilized", "culled", "embargoed", "resetting"),
)
_FIDELITY = {"0": ("as configured", FINE), "1": ("dense", POOR)}
_SHADES = ("#4D4D4D", "#56B4E9", "#0072B2", "#F0E442", "#692D00", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#6B6B6B")
_LEARNING = ("starting", "improving", "plateau", "worsening", "broken")
_LEARNING_SHADES = ("#6B6B6B", "#56B4E9", "#F0E442", "#E69F00", "#D55E00")
_COMPARED = {"-1": ("worse", BAD), "0": ("not shown", "#6B6B6B"), "1": ("better", FINE)}
NAMED: Mapping[tuple[str, str], Mapping[str, tuple[str, str]]] = {
    ("state-timeline", "nissa_red_flag"): {"0": ("no", FINE), "1": ("yes", BAD)},
    **dict.fromkeys((("stat", "nissa_fidelity_level"), ("state-timeline", "nissa_fidelity_level")), _FIDELITY),
    ("state-timeline", "nissa_sink_up"): {"0": ("resting", BAD), "1": ("taking", FINE)},
    ("state-timeline", "nissa_cluster_up"): {"0": ("down", BAD), "1": ("running", FINE)},
    ("state-timeline", "0 * nissa_learning_state"): {
        str(n): shade for n, shade in enumerate(zip(_LEARNING, _LEARNING_SHADES, strict=True))
    },
    **dict.fromkeys((("table", "nissa_verdict"), ("table", "nissa_blueprint_net_gain_shown")), _COMPARED),
    ("state-timeline", "0 * nissa_slot_stage"): {
        str(n): shade for n, shade in enumerate(zip(_STAGES, _SHADES, strict=True))
    },
}
"""Names and colours of values by type of panel and quantity, where they are states."""


_MARKS = {"gate_failure", "stage_transition"}


def limits_of(shown: Quantity) -> Limits:
    """The limits of a quantity. How much it grew is too much if it must never be at all; marks are no faults."""
    if any(label == "alert" and value in _MARKS for label, _, value in shown.limited):
        return Limits()
    grown = re.fullmatch(r"increase\((\w+)\)", shown.name)
    never = grown is not None and LIMITS.get(grown[1]) == ANY
    return ANY if never else LIMITS.get(shown.name, Limits())


def steps_of(expr: str) -> list[tuple[float | None, str]]:
    """The steps that a panel that shows this must have."""
    warning, critical, below = limits_of(quantity(parsed(expr)))
    if not below:
        return [(None, FINE), *((at, colour) for at, colour in ((warning, POOR), (critical, BAD)) if at is not None)]
    if warning is None:
        return [(None, BAD), (critical, FINE)]
    return [(None, POOR), (warning, FINE)] if critical is None else [(None, BAD), (critical, POOR), (warning, FINE)]


def colour_at(value: float, steps: list[tuple[float | None, str]]) -> str:
    """The colour of the last step that a value reaches."""
    return [colour for at, colour in steps if at is None or value >= at][-1]
