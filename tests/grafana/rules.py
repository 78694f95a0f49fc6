"""The rules as they are shipped, and the dashboards that they lead to."""

import json
from pathlib import Path
from typing import Any

import yaml

__all__ = ["ALERTS", "BOARDS", "FILES", "GROUPS", "RECORDED", "RULES"]

_HERE = Path(__file__).parents[2] / "grafana"
FILES = sorted((_HERE / "rules").glob("*.yaml"))
GROUPS: list[dict[str, Any]] = [group for file in FILES for group in yaml.safe_load(file.read_text())["groups"]]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in RULES if "alert" in rule}
"""Alerting rules by name."""
RECORDED: dict[str, str] = {rule["record"]: rule["expr"] for rule in RULES if "record" in rule}
"""Expressions of the recorded rules by name."""
BOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted((_HERE / "dashboards").glob("*.json"))
}
"""Dashboards by uid."""
