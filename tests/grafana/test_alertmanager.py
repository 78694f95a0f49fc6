"""Alertmanager's configuration is valid, and hides only what its reason says already."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana.rules import ALERTS

_RANK = ("info", "warning", "critical")


@pytest.fixture
def config(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "grafana" / "alertmanager.yaml").read_text())
    return loaded


def named(matchers: list[str]) -> list[str]:
    """The alerts that `alertname = "A"` or `alertname =~ "A|B"` stands for."""
    (matcher,) = matchers
    return matcher.split('"')[1].split("|")


@pytest.mark.skipif(not shutil.which("amtool"), reason="no amtool here: apt-get install prometheus-alertmanager")
def test_amtool_finds_nothing_wrong(root: Path) -> None:
    command = ["amtool", "check-config", str(root / "grafana" / "alertmanager.yaml")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_reason_is_at_least_as_bad_as_what_it_hides_and_nothing_hides_itself(config: dict[str, Any]) -> None:
    for rule in config["inhibit_rules"]:
        (source,) = named(rule["source_matchers"])
        for target in named(rule["target_matchers"]):
            assert source != target
            ranks = [_RANK.index(ALERTS[name]["labels"]["severity"]) for name in (source, target)]
            assert ranks[0] >= ranks[1], (source, target)


def test_what_is_hidden_is_in_the_same_place(config: dict[str, Any]) -> None:
    for rule in config["inhibit_rules"]:
        assert rule["equal"][:2] == ["job", "instance"]


def test_whoever_is_told_is_told_by_a_receiver_that_exists(config: dict[str, Any]) -> None:
    assert [receiver["name"] for receiver in config["receivers"]] == [config["route"]["receiver"]]
