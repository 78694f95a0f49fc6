"""Every number in the texts of alerts and in the runbook is that of the rule, or of the code."""

import re
from pathlib import Path

import pytest
import yaml

from nissa.operators.anomalies.thresholds import MODES
from nissa.pipeline.config.settings import TelemetryConfig
from nissa.pipeline.hub.hub import HEARTBEAT
from nissa.pipeline.telemetry import LINGER
from tests.grafana.rules import ALERTS, FILES, RULES
from tests.grafana.said import HELD, NUMBERS, SAID, plain, span


def texts(alert: str, page: str) -> str:
    """Summary, description and section of the runbook, in one line."""
    section = re.split(r"\n##", page.split(f"\n### {alert}\n")[1])[0]
    told = ALERTS[alert]["annotations"]
    return " ".join(plain(f"{told['summary']} {told['description']} {section}").split())


def test_every_alert_is_looked_at() -> None:
    assert SAID.keys() == ALERTS.keys()


@pytest.mark.parametrize("alert", ALERTS)
def test_a_number_in_words_is_that_of_the_rule_or_of_the_code(alert: str, root: Path) -> None:
    left = texts(alert, (root / "docs" / "runbooks.md").read_text())
    for phrase in SAID[alert]:
        assert phrase in left, left
    for phrase in sorted(SAID[alert], key=len, reverse=True):
        left = left.replace(phrase, "")
    assert NUMBERS.findall(left) == [], left


def test_the_runbook_says_how_often_to_scrape(root: Path) -> None:
    head = (root / "docs" / "runbooks.md").read_text().split("\n## ")[0]
    (often,) = re.findall(r"Scrape at least every (\d+) seconds", head)
    assert f"waits no more than {LINGER:g} seconds" in head
    shipped = yaml.safe_load((root / "grafana" / "prometheus.yaml").read_text())["global"]["scrape_interval"]
    assert float(shipped.removesuffix("s")) <= float(often) < LINGER


def test_what_a_scrape_that_failed_does_not_say_is_held_as_long_as_a_run_is_not_dead(root: Path) -> None:
    """By then, of scrapes a minute apart, a second one has failed."""
    asked = [found for rule in RULES for found in re.findall(r"last_over_time\([\w:]+\[(\d+)m\]\)", rule["expr"])]
    held = {60.0 * int(minutes) for minutes in asked if int(minutes) < 5}
    assert held == {HELD} == {60.0 * int(ALERTS["NissaRunDied"]["for"].removesuffix("m"))}
    head = (root / "docs" / "runbooks.md").read_text().split("\n## ")[0]
    assert f"holds for {span(HELD)}" in " ".join(head.split())


def test_the_rules_say_how_often_a_heartbeat_comes() -> None:
    (text,) = [file.read_text() for file in FILES if file.stem == "runs"]
    assert {5.0: "A heartbeat comes every five seconds"}[HEARTBEAT] in text


def test_what_can_be_configured_is_by_default_what_is_said() -> None:
    alerts, rules = TelemetryConfig().alerts, MODES["robust"]
    assert (alerts.accuracy_points, alerts.gradient_explosion) == (rules.points, rules.explosion)
