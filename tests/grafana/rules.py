"""The rules as they are shipped."""

from pathlib import Path
from typing import Any

import yaml

__all__ = ["ALERTS", "FILES", "GROUPS", "RULES"]

FILES = sorted((Path(__file__).parents[2] / "grafana" / "rules").glob("*.yaml"))
GROUPS: list[dict[str, Any]] = [group for file in FILES for group in yaml.safe_load(file.read_text())["groups"]]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in RULES if "alert" in rule}
"""Alerting rules by name."""
