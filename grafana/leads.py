"""To which panel does an alert lead? Whoever is called looks there first.

The rules say it twice: Grafana's own list of alerts goes by uid and id, people by the address. `make dashboards` writes
these annotations below each `runbook_url`, and all else in the rules is written by hand.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["LEADS", "with_leads"]

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
    "NissaPolicyStalled": ("nissa-policy", "Since the last update"),
    "NissaAccountMismatch": ("nissa-overview", "Alerts that stand"),
    "NissaImplausibleValue": ("nissa-overview", "Alerts that stand"),
    "NissaRankStraggler": ("nissa-pipeline", "Own work"),
    "NissaRankDiverged": ("nissa-pipeline", "Loss of the ranks"),
    "NissaRankSilent": ("nissa-pipeline", "Alerts against ranks"),
    "NissaGateFailing": ("nissa-slots", "Gates passed"),
    "NissaCullingThrash": ("nissa-blueprints", "Seeds culled"),
    "NissaGrowthWithoutGain": ("nissa-overview", "Kept gain"),
    "NissaOverMutation": ("nissa-blueprints", "Live growth"),
    "NissaRunDied": ("nissa-overview", "Silence of the trainer"),
    "NissaRunFailed": ("nissa-pipeline", "Heartbeat"),
    "NissaRunSilent": ("nissa-pipeline", "Accepted and delivered"),
    "NissaRunStalled": ("nissa-overview", "Silence of the trainer"),
    "NissaPipelineStalled": ("nissa-pipeline", "Heartbeat"),
    "NissaScrapeStale": ("nissa-pipeline", "Scrape"),
    "NissaLifecycleEventsDropped": ("nissa-pipeline", "Dropped by kind"),
    "NissaEventsDropped": ("nissa-pipeline", "Dropped by kind"),
    "NissaSinkDown": ("nissa-pipeline", "Sinks"),
    "NissaSinkBehind": ("nissa-pipeline", "Behind"),
    "NissaPipelineFault": ("nissa-pipeline", "Faults by part"),
    "NissaLabelBudgetExceeded": ("nissa-pipeline", "Label sets refused"),
    "NissaClusterDown": ("nissa-cluster", "Job"),
    "NissaClusterRunStalled": ("nissa-cluster", "Unread"),
    "NissaClusterCheckpointsFail": ("nissa-cluster", "Checkpoints failed"),
    "NissaClusterRestarts": ("nissa-cluster", "Job started again"),
}
"""Uid of the dashboard and title of the panel by alert."""

_CHOICES = ("run", "group", "env", "instance")
"""Labels of alerts that may have a variable of the same name."""
_WRITTEN = re.compile(r"^ +(?:dashboard_url|__dashboardUid__|__panelId__): .*\n", re.MULTILINE)
_ALERT = re.compile(r"^ *- alert: (\w+)\n(?:(?! *- ).*\n)*?( +)runbook_url: .*\n", re.MULTILINE)

Document = Mapping[str, Any]


def with_leads(rules: str, boards: Iterable[Document]) -> str:
    """The text of a file of rules, in which each alert leads to its panel. Raises KeyError for one that has none."""
    by_uid = {str(board["uid"]): board for board in boards}
    return _ALERT.sub(lambda alert: alert[0] + _lead(alert[1], alert[2], by_uid), _WRITTEN.sub("", rules))


def _lead(alert: str, indent: str, boards: Mapping[str, Document]) -> str:
    uid, title = LEADS[alert]
    ids = {panel["title"]: panel["id"] for panel in boards[uid]["panels"] if panel["type"] != "row"}
    known = {variable["name"] for variable in boards[uid]["templating"]["list"]}
    chosen = "".join(
        f"{{{{ with $labels.{name} }}}}&var-{name}={{{{ . | urlquery }}}}{{{{ end }}}}"
        for name in _CHOICES
        if name in known
    )
    lines = (
        f"dashboard_url: /d/{uid}?viewPanel={ids[title]}{chosen}",
        f"__dashboardUid__: {uid}",
        f'__panelId__: "{ids[title]}"',
    )
    return "".join(f"{indent}{line}\n" for line in lines)
