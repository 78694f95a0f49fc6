"""The dashboards as they are shipped: what they ask is sound, and what is wrong with one would be seen."""

from pathlib import Path
from typing import Any

import grafana_foundation_sdk.models.units as grafana_units
import pytest

from nissa.grafana import dashboards
from nissa.grafana.assets import rule_groups
from nissa.grafana.promql.queries import of, spread
from nissa.sinks.prometheus.catalog import METRICS
from tests.grafana.checking import complaints, panels
from tests.grafana.meanings import metrics_in

Boards = dict[str, dict[str, Any]]

UNITS = {value for value in vars(grafana_units).values() if isinstance(value, str)} | {"suffix:x", "suffix: pp"}
MORE = "\nRun `make dashboards` after a change."


def test_the_files_are_what_the_code_makes(root: Path) -> None:
    made = dashboards.files()
    stale = [path for path, text in made.items() if (root / path).read_text() != text]
    assert stale == [], MORE
    written = {f"grafana/dashboards/{file.name}" for file in (root / "grafana/dashboards").iterdir()}
    assert written == {path for path in made if path.endswith(".json")}


def test_nothing_is_wrong_with_any_dashboard(boards: Boards) -> None:
    assert [(uid, complaint) for uid, board in boards.items() for complaint in complaints(board)] == []


def test_every_unit_is_one_that_grafana_knows(boards: Boards) -> None:
    shown = [
        {panel["fieldConfig"]["defaults"]["unit"]}
        | {p["value"] for rule in panel["fieldConfig"]["overrides"] for p in rule["properties"] if p["id"] == "unit"}
        for board in boards.values()
        for panel in panels(board)
    ]
    assert set().union(*shown) <= UNITS


def test_what_an_overview_shows_leads_to_the_detail(boards: Boards) -> None:
    links = [link for panel in panels(boards["nissa-overview"]) for link in panel.get("links", [])]
    led = {link["url"].removeprefix("/d/").split("?")[0] for link in links}
    # What works off the runs of many machines is no detail of any.
    assert led == boards.keys() - {"nissa-overview", "nissa-cluster"}
    assert all("${__url_time_range}" in link["url"] and "${__all_variables}" in link["url"] for link in links)


def test_the_page_of_metrics_says_who_uses_each(root: Path, boards: Boards) -> None:
    page = (root / "docs/metrics.md").read_text().splitlines()
    cells = [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in page if line.startswith("| `")]
    rows = {row[0].strip("`"): row for row in cells}
    assert rows.keys() == METRICS.keys()
    used = {
        f"{board['title'].removeprefix('Nissa ')}: {panel['title']}": set.union(*map(metrics_in, asked(panel)))
        for board in boards.values()
        for panel in panels(board)
    }
    for name, row in rows.items():
        metric = METRICS[name]
        assert row[1:5] == [metric.type, metric.unit, ", ".join(metric.labels), metric.help]
        for panel, names in used.items():
            assert (name in names) == (f", {panel}," in f", {row[5]},"), (name, panel)


def test_the_page_of_metrics_says_which_alerts_use_each(root: Path) -> None:
    page = (root / "docs/metrics.md").read_text().splitlines()
    rules = [rule for group in rule_groups() for rule in group["rules"] if "alert" in rule]
    assert rules
    for rule in rules:
        for name in metrics_in(rule["expr"]) & METRICS.keys():
            (row,) = [line for line in page if line.startswith(f"| `{name}` |")]
            assert f"alert {rule['alert']}" in row.split(" | ")[5]


def asked(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def test_a_panel_that_asks_for_what_is_not_exported_cannot_be_written() -> None:
    with pytest.raises(KeyError, match="nissa_val_los"):
        of("nissa_val_los")
    with pytest.raises(ValueError, match="nissa_val_loss has no label layer"):
        of("nissa_val_loss", layer="conv1")


def test_what_is_spread_is_three_lines_a_group_however_many_environments_there_are() -> None:
    assert [query.expr.split(" ")[0] for query in spread("x")] == ["max", "quantile", "min"]
