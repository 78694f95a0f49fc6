"""To which panel does an alert lead? Whoever is called looks there first."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from tests.grafana.rules import BOARDS

__all__ = ["LEADS", "OF_OTHER_THINGS", "panel_of", "url"]

LEADS: Mapping[str, tuple[str, str]] = {
    "NissaNonFinite": ("nissa-network", "Broken elements"),
    "NissaGradientExplosion": ("nissa-network", "Gradient of the host"),
    "NissaLossSpike": ("nissa-network", "Loss of the last batch"),
    "NissaAccuracyDrop": ("nissa-overview", "Validation accuracy"),
    "NissaEntropyCollapse": ("nissa-policy", "Entropy by head"),
    "NissaEntropyLow": ("nissa-policy", "Entropy by head"),
    "NissaValueCollapse": ("nissa-policy", "Spread of values by that of returns"),
    "NissaRatioExplosion": ("nissa-policy", "Largest probability ratio"),
    "NissaPolicyUnstable": ("nissa-policy", "KL"),
    "NissaGateFailing": ("nissa-slots", "Gates passed"),
    "NissaCullingThrash": ("nissa-blueprints", "Seeds culled"),
    "NissaGrowthWithoutGain": ("nissa-overview", "Gain"),
    "NissaOverMutation": ("nissa-blueprints", "Growth"),
    "NissaRunDied": ("nissa-overview", "Silence of the trainer"),
    "NissaRunFailed": ("nissa-pipeline", "Heartbeat"),
    "NissaRunSilent": ("nissa-pipeline", "Accepted and delivered"),
    "NissaRunStalled": ("nissa-overview", "Silence of the trainer"),
    "NissaPipelineStalled": ("nissa-pipeline", "Heartbeat"),
    "NissaScrapeStale": ("nissa-pipeline", "Scrape"),
    "NissaLifecycleEventsDropped": ("nissa-pipeline", "Dropped by kind"),
    "NissaEventsDropped": ("nissa-pipeline", "Dropped by kind"),
    "NissaSinkDown": ("nissa-pipeline", "Sinks"),
    "NissaPipelineFault": ("nissa-pipeline", "Faults by part"),
    "NissaLabelBudgetExceeded": ("nissa-pipeline", "Label sets refused"),
}
"""Dashboard and title of the panel by alert."""

_DETECTOR = "a detector has judged what the panel shows, and the rule asks for its alerts"
OF_OTHER_THINGS: Mapping[str, str] = {
    **dict.fromkeys(("NissaNonFinite", "NissaGradientExplosion", "NissaLossSpike", "NissaAccuracyDrop"), _DETECTOR),
    **dict.fromkeys(("NissaEntropyCollapse", "NissaEntropyLow", "NissaValueCollapse"), _DETECTOR),
    **dict.fromkeys(("NissaRatioExplosion", "NissaPolicyUnstable"), _DETECTOR),
    "NissaScrapeStale": "`up` is Prometheus' own; a scrape that fails most often takes too long",
}
"""Alerts whose panel asks for no metric that the rule asks for, and why."""

_CHOICES = ("run", "group", "env", "instance")


def panel_of(alert: str) -> dict[str, Any]:
    """The panel that an alert leads to. Raises ValueError if there is none."""
    uid, title = LEADS[alert]
    (panel,) = [panel for panel in BOARDS[uid]["panels"] if panel["type"] != "row" and panel["title"] == title]
    return dict(panel)


def url(alert: str, labels: Mapping[str, str]) -> str:
    """The panel alone, for what an alert's labels say, as far as the dashboard has variables for it."""
    uid, _ = LEADS[alert]
    known = {variable["name"] for variable in BOARDS[uid]["templating"]["list"]}
    chosen = [f"&var-{name}={quote_plus(labels[name])}" for name in _CHOICES if name in labels and name in known]
    return f"/d/{uid}?viewPanel={panel_of(alert)['id']}{''.join(chosen)}"
