"""How is it, in eight numbers? The top row of the overview."""

from typing import Any

from nissa.grafana.panels import ANY, FINE, GAIN, GROWTH, HEARTBEAT_AGE, NONE, POOR, Limits, leading, numbers
from nissa.grafana.promql import GOING_ON, Query, heartbeat, held_all, of, total

__all__ = ["STANDING", "headline"]

_ENV = "run, group, env"
_NOBODY = "no run goes on"
"""Shown where no trainer answers."""

STANDING = " - ".join(
    of(f"nissa_alerts_{name}total", env="$env|", severity="critical|warning") for name in ("", "resolved_")
)
"""Alerts that stand; marks, of severity info, are left out."""


def headline() -> list[Any]:
    """What came of it so far, and what is wrong."""
    return [*_outcomes(), *_states()]


def _outcomes() -> list[Any]:
    return [
        leading("nissa-slots", _best()),
        *(leading("nissa-blueprints", panel) for panel in (_gain(), _live_growth())),
    ]


def _states() -> list[Any]:
    wrong = [leading("nissa-policy", _alerts_now()), leading("nissa-network", _flags_now())]
    return [*wrong, *(leading("nissa-pipeline", panel) for panel in (_fidelity(), _running(), _alive()))]


def _best() -> Any:
    text = "Highest validation accuracy that a finished episode reached in any epoch."
    return _outcome("Best peak accuracy", text, "percentunit", f"max({of('nissa_best_peak_accuracy_ratio')})")


def _gain() -> Any:
    text = (
        "Median over environments of the validation accuracy of what is kept of the last episode, minus that of the "
        "same host trained alone, at the same epoch, in percentage points. Whether growing wins, the table below says."
    )
    gain = f"{of('nissa_episode_kept_accuracy_ratio')} - {of('nissa_episode_twin_accuracy_ratio')}"
    return _outcome("Kept gain", text, "suffix: pp", f"100 * quantile(0.5, {gain})", GAIN)


def _live_growth() -> Any:
    text = "(host + fossilized parameters) / host, the largest of the networks trained last."
    return _outcome("Live growth", text, "suffix:x", f"max({of('nissa_live_growth_ratio')})", GROWTH)


def _alerts_now() -> Any:
    text = "Alerts that stand, marks left out."
    return _outcome("Alerts", text, "short", f"sum({total(STANDING, f'{_ENV}, alert, severity')})", ANY)


def _flags_now() -> Any:
    text = "Red flags over all environments: what is wrong at the last epoch of each."
    return _outcome("Red flags", text, "short", f"sum({total(of('nissa_red_flag'), _ENV)})", ANY)


def _fidelity() -> Any:
    text = "Whether the probes of any run are to look closely at the end of the time range."
    named = {0: ("as configured", FINE), 1: ("dense", POOR)}
    level = Query(f"max({of('nissa_fidelity_level')})", "")
    return numbers("Fidelity", text, "none", level, size=(3, 4), names=named)


def _running() -> Any:
    text = "Runs that are heard of at the end of the time range, and have not said in the last hour that they end."
    return _state("Runs going on", text, "short", GOING_ON)


def _alive() -> Any:
    text = (
        "Time since the pipeline of a run was last known to be alive, the longest of the runs of the last hour that "
        "did not say that they end, at the end of the time range: of one that died it goes on rising."
    )
    return _state("Heartbeat", text, "s", f"max({heartbeat()})", HEARTBEAT_AGE)


def _outcome(title: str, text: str, unit: str, expr: str, limits: Limits = NONE) -> Any:
    """How it went, and how it stood at the end of what is gone."""
    return numbers(title, text, unit, Query(held_all(expr), ""), size=(3, 4), limits=limits)


def _state(title: str, text: str, unit: str, expr: str, limits: Limits = NONE) -> Any:
    """How it is at the end of the time range, whoever was there before."""
    return numbers(title, text, unit, Query(expr, ""), size=(3, 4), limits=limits).no_value(_NOBODY)
