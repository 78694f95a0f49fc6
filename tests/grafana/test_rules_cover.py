"""Whatever a detector raises, somebody is called for it as badly as it is, or the runbook says why nobody is."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import promql_parser as promql

from nissa.events.vocabulary import ENTROPY_LOW, ENV_ALERTS, POLICY_ALERTS, RANK_ALERTS, Alert
from tests.grafana.promql import nodes, parsed
from tests.grafana.rules import ALERTS

RAISED: set[tuple[str, str]] = {*ENV_ALERTS, *POLICY_ALERTS, *RANK_ALERTS, ENTROPY_LOW}
"""Alerts of the detectors with their severities: those that are exported from the start, and the milder of two."""
_ALERTS = {"env:nissa_alert_active:last2m", "env:nissa_alerts:increase10m", "env_severity:nissa_alert_active:last2m"}


def passed_on() -> Iterator[tuple[str, str, str]]:
    """Rule, alert of a detector, and the severity that somebody is called with."""
    for rule in ALERTS.values():
        for node in nodes(parsed(rule["expr"])):
            if isinstance(node, promql.VectorSelector) and node.name in _ALERTS:
                (names,) = [m.value for m in node.matchers.matchers if m.name == "alert"]
                yield from ((rule["alert"], name, rule["labels"]["severity"]) for name in names.split("|"))


def excused(root: Path) -> set[str]:
    section = (root / "docs" / "runbooks.md").read_text().split("\n## Without a rule\n")[1]
    return set(re.findall(r"^- `(\w+)`: no rule, because .+[;.]", section, re.MULTILINE))


def test_what_is_raised_has_a_rule_of_its_severity_or_a_reason(root: Path) -> None:
    called = {(name, severity) for _, name, severity in passed_on()}
    without = {name for name, _ in RAISED - called}
    assert without == excused(root)
    assert called <= RAISED


def test_what_is_raised_is_what_operators_raise_and_detectors_md_lists(root: Path) -> None:
    words = vars(import_module("nissa.events.vocabulary"))
    declared = {name: value for name, value in words.items() if isinstance(value, Alert)}
    assert set(declared.values()) == RAISED
    sources = "".join(file.read_text() for file in (root / "operators").rglob("*.py"))
    assert declared.keys() <= set(re.findall(r"\b[A-Z_]+\b", sources))
    table = (root / "docs" / "detectors.md").read_text().split("## Alerts")[1].split("\n##")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+)", table, re.MULTILINE)
    assert {(name, severity) for name, severities in rows for severity in severities.strip().split(", ")} == RAISED


def test_a_mark_calls_nobody() -> None:
    assert {name for name, severity in RAISED if severity == "info"}.isdisjoint(name for _, name, _ in passed_on())
