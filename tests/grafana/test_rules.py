"""The rules name what is exported, say what they must, and lead to a page that says what to do."""

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from nissa.events.kind import KINDS, Importance
from nissa.pipeline.telemetry import LINGER
from nissa.sinks.prometheus.catalog import METRICS
from tests.grafana.promql import grouped, nodes, parsed, selected
from tests.grafana.rules import ALERTS, FILES, GROUPS, RULES

_SCRAPE = {"job", "instance"}
_RECORDED = {rule["record"]: rule for rule in RULES if "record" in rule}
each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.get("alert") or rule["record"] for rule in RULES])
each_alert = pytest.mark.parametrize("rule", ALERTS.values(), ids=ALERTS)


def labels_of(metric: str) -> set[str]:
    """Labels that a metric may have, a recorded one those of what it is made from."""
    if metric == "up":
        return _SCRAPE
    if metric in _RECORDED:
        return set().union(*(labels_of(name) for name, _ in selected(_RECORDED[metric]["expr"])))
    return {*METRICS[metric].labels, *_SCRAPE}


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus")
def test_promtool_finds_nothing_wrong() -> None:
    command = ["promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@each_rule
def test_an_expression_names_only_exported_metrics_and_their_labels(rule: dict[str, Any]) -> None:
    found = selected(rule["expr"])
    assert found
    for metric, labels in found:
        assert labels <= labels_of(metric), metric
    assert grouped(rule["expr"]) <= set().union(*(labels_of(metric) for metric, _ in found))


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("increase(nissa_alert_total[5m])", KeyError),
        ('nissa_alerts_total{alarm="x"} > 0', AssertionError),
        ("sum by (slot) (nissa_sink_up)", AssertionError),
        ("nissa_sink_up >", ValueError),
    ],
)
def test_the_test_before_notices_what_is_not_there(expression: str, wrong: type[Exception]) -> None:
    with pytest.raises(wrong):
        test_an_expression_names_only_exported_metrics_and_their_labels({"expr": expression})


@pytest.mark.parametrize("name", _RECORDED)
def test_a_recorded_rule_is_named_level_metric_operations_and_used(name: str) -> None:
    levels, operations = r"(process|run|group|env)(_\w+)?", r"(increase|changes|avg|last|difference)(\d+[mh])?"
    assert re.fullmatch(f"{levels}:nissa_\\w+:{operations}", name)
    assert not name.split(":")[1].endswith("_total")
    assert any(name == metric for rule in RULES for metric, _ in selected(rule["expr"]))
    if window := re.search(r"\d+[mh]$", name):
        assert re.search(rf"\[{window[0]}\]|:last{window[0]}\b", _RECORDED[name]["expr"])


@pytest.mark.parametrize("group", GROUPS, ids=[group["name"] for group in GROUPS])
def test_a_recorded_rule_stands_before_those_that_use_it_in_its_group(group: dict[str, Any]) -> None:
    """Rules of a group are judged one after the other, those of different groups at any time.

    Whether a run is alive may be as old as one judgement, so whoever asks that waits for a minute.
    """
    alive = {rule["record"] for rule in GROUPS[0]["rules"]} if group is not GROUPS[0] else set()
    made = set(alive)
    for rule in group["rules"]:
        used = {name for name, _ in selected(rule["expr"])} & _RECORDED.keys()
        assert used <= made
        assert rule.get("for", "1m") != "0s" or not used & alive
        made |= {rule["record"]} if "record" in rule else set()


@each_rule
def test_a_growth_is_seen_by_whoever_scrapes_once_a_minute(rule: dict[str, Any]) -> None:
    """Two scrapes make a rate; of four, one may fail and one be late."""
    calls = [node for node in nodes(parsed(rule["expr"])) if isinstance(node, promql_parser.Call)]
    windows = [call.args[0].range for call in calls if call.func.name in {"rate", "increase"}]
    assert all(window >= timedelta(minutes=4) for window in windows)


@each_alert
def test_an_alert_says_what_it_is_how_bad_where_and_what_to_do(rule: dict[str, Any], root: Path) -> None:
    assert re.fullmatch(r"Nissa([A-Z][a-z]+)+", rule["alert"])
    assert re.fullmatch(r"\d+[sm]", rule["for"])
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    texts = rule["annotations"]
    assert texts.keys() == {"summary", "description", "runbook_url", "dashboard_url", "__dashboardUid__", "__panelId__"}
    assert re.fullmatch(r"[A-Z][^{}]+\.", texts["summary"]), "the same for all, so that it groups"
    assert "{{ $labels." in texts["description"]
    page, _, heading = texts["runbook_url"].partition("#")
    assert heading == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in (root / page).read_text()


def test_the_runbook_has_a_section_for_each_alert_and_for_nothing_else(root: Path) -> None:
    page = (root / "docs" / "runbooks.md").read_text()
    assert sorted(re.findall(r"^### (\w+)$", page, re.MULTILINE)) == sorted(ALERTS)
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        assert len(re.findall(r"^- (Look|Do): ", section, re.MULTILINE)) == 2, section


def test_the_table_of_the_runbook_says_how_bad_an_alert_is_how_long_it_waits_and_its_numbers(root: Path) -> None:
    page = (root / "docs" / "runbooks.md").read_text()
    rows = [
        line.strip("| ").replace("\\|", "/").split(" | ") for line in page.splitlines() if line.startswith("| [Nissa")
    ]
    assert [row[0] for row in rows] == [f"[{alert}](#{alert.lower()})" for alert in ALERTS]
    for row, rule in zip(rows, ALERTS.values(), strict=True):
        assert (row[1], row[2]) == (rule["labels"]["severity"], rule["for"])
        numbers = re.findall(r"[<>=]=? [\d.]+(?= |$|\))", " ".join(rule["expr"].split()))
        assert all(number in row[3] for number in numbers), (row, numbers)


def test_the_runbook_names_metrics_and_commands_that_there_are(root: Path) -> None:
    page = (root / "docs" / "runbooks.md").read_text()
    assert set(re.findall(r"(?<!:)\bnissa_\w+", page)) <= set(METRICS)
    assert set(re.findall(r"`nissa (\w+)", page)) <= {"dashboards", "replay", "serve", "show", "trace", "traces"}


def test_the_runbook_says_how_often_to_scrape(root: Path) -> None:
    head = (root / "docs" / "runbooks.md").read_text().split("\n## ")[0]
    (often,) = re.findall(r"Scrape at least every (\d+) seconds", head)
    assert f"waits no more than {LINGER:g} seconds" in head
    shipped = yaml.safe_load((root / "grafana" / "prometheus.yaml").read_text())["global"]["scrape_interval"]
    assert float(shipped.removesuffix("s")) <= float(often) < LINGER


def test_what_a_scrape_that_failed_does_not_say_is_held_as_long_as_a_run_is_not_dead() -> None:
    """By then, of scrapes a minute apart, a second one has failed."""
    asked = [found for rule in RULES for found in re.findall(r"last_over_time\([\w:]+\[(\d+m)\]\)", rule["expr"])]
    assert (
        {window for window in asked if int(window.removesuffix("m")) < 5} == {ALERTS["NissaRunDied"]["for"]} == {"2m"}
    )


@pytest.mark.parametrize("alert", ["NissaLifecycleEventsDropped", "NissaEventsDropped"])
def test_what_is_life_cycle_is_what_the_events_say(alert: str) -> None:
    kinds = "|".join(sorted(name for name, kind in KINDS.items() if kind.importance is Importance.LIFECYCLE))
    lists = re.findall(r'kind[=!]~"([^"]+)"', ALERTS[alert]["expr"])
    assert lists == [kinds, kinds]
