"""What is shipped beside the code: dashboards, alert rules and configurations, read without the SDK that made them."""

import json
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import yaml

__all__ = ["alertmanager_config", "dashboards", "prometheus_config", "rule_files", "rule_groups"]

_HERE = files("nissa.grafana")


def dashboards() -> dict[str, dict[str, Any]]:
    """Grafana's JSON by the name of its file."""
    return {name: json.loads(text) for name, text in _texts("dashboards", ".json")}


def rule_files() -> dict[str, str]:
    """Recording and alert rules for Prometheus by the name of their file."""
    return dict(_texts("rules", ".yaml"))


def rule_groups() -> list[dict[str, Any]]:
    """Every group of rules."""
    return [group for text in rule_files().values() for group in yaml.safe_load(text)["groups"]]


def prometheus_config() -> str:
    """A configuration for Prometheus that scrapes a run on this machine and loads the rules beside it."""
    return (_HERE / "prometheus.yaml").read_text(encoding="utf-8")


def alertmanager_config() -> str:
    """A configuration for Alertmanager, with the alerts that others make superfluous, and a receiver to fill in."""
    return (_HERE / "alertmanager.yaml").read_text(encoding="utf-8")


def _texts(folder: str, suffix: str) -> Iterator[tuple[str, str]]:
    place: Traversable = _HERE / folder
    if place.is_dir():
        for file in sorted(place.iterdir(), key=lambda file: file.name):
            if file.name.endswith(suffix):
                yield file.name, file.read_text(encoding="utf-8")
