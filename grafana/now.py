"""How is it now, in eight numbers? The top row of the overview."""

from typing import Any

from nissa.grafana.palette import FINE, POOR
from nissa.grafana.panels import NONE, leading, numbers
from nissa.grafana.queries import Query, of
from nissa.grafana.thresholds import ANY, GROWTH, HEARTBEAT_AGE, Limits

__all__ = ["RUNNING", "STANDING", "now"]

RUNNING = f"unless on (run) {of('nissa_run_ended_timestamp_seconds')}"
"""Leaves out the runs that have ended."""

STANDING = " - ".join(
    of(f"nissa_alerts_{name}total", env="$env|", severity="critical|warning") for name in ("", "resolved_")
)
"""Alerts that stand; marks, of severity info, are left out."""


def now() -> list[Any]:
    """What came of it so far, and what is wrong."""
    return [*_outcomes(), *_states()]


def _outcomes() -> list[Any]:
    return [
        leading("nissa-slots", _best()),
        *(leading("nissa-blueprints", panel) for panel in (_gain(), _growth_now())),
    ]


def _states() -> list[Any]:
    wrong = [leading("nissa-policy", _alerts_now()), leading("nissa-network", _flags_now())]
    return [*wrong, *(leading("nissa-pipeline", panel) for panel in (_fidelity(), _running(), _alive()))]


def _best() -> Any:
    text = "Highest validation accuracy that a finished episode reached."
    return _number("Best accuracy", text, "percentunit", f"max({of('nissa_best_accuracy_ratio')})")


def _gain() -> Any:
    text = (
        "Median over environments of the validation accuracy at the end of the last episode, minus that of the same "
        "host trained alone for as long. Above 0, growing pays in accuracy."
    )
    gain = f"{of('nissa_episode_final_accuracy_ratio')} - {of('nissa_baseline_final_accuracy_ratio')}"
    return _number("Gain", text, "percentunit", f"quantile(0.5, {gain})")


def _growth_now() -> Any:
    text = "(host + fossilized parameters) / host, the largest of the models that are trained now."
    return _number("Largest growth", text, "suffix:x", f"max({of('nissa_growth_ratio')})", GROWTH)


def _alerts_now() -> Any:
    text = "Alerts that stand now, marks left out."
    return _number("Alerts", text, "short", f"sum({STANDING})", ANY)


def _flags_now() -> Any:
    text = "Red flags over all environments: what is wrong with a network at its last epoch."
    return _number("Red flags", text, "short", f"sum({of('nissa_red_flag')})", ANY)


def _fidelity() -> Any:
    text = "Whether the probes of any run are to look closely now."
    named = {0: ("as configured", FINE), 1: ("dense", POOR)}
    level = Query(f"max({of('nissa_fidelity_level')})", "")
    return numbers("Fidelity", text, "none", level, size=(3, 4), names=named)


def _running() -> Any:
    text = "Runs that have not ended, of those chosen."
    started = of("nissa_run_started_timestamp_seconds")
    return _number("Runs going on", text, "short", f"count({started} {RUNNING}) or vector(0)")


def _alive() -> Any:
    text = "Time since the pipeline of the run was last known to be alive, the longest of the runs that have not ended."
    age = f"max(time() - {of('nissa_run_heartbeat_timestamp_seconds')} {RUNNING}) or vector(0)"
    return _number("Heartbeat", text, "s", age, HEARTBEAT_AGE)


def _number(title: str, text: str, unit: str, expr: str, limits: Limits = NONE) -> Any:
    return numbers(title, text, unit, Query(expr, ""), size=(3, 4), limits=limits)
