"""The dashboards as they are shipped: what they ask is sound, and what is wrong with one would be seen."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grafana_foundation_sdk.models.units as grafana_units
import pytest

from nissa.grafana import dashboards
from nissa.grafana.queries import of, spread
from nissa.grafana.shipped import rule_groups
from nissa.sinks.metrics import METRICS
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


def test_the_dashboards_lead_to_one_another(boards: Boards) -> None:
    for board in boards.values():
        (link,) = board["links"]
        assert link["type"] == "dashboards"
        assert link["tags"] == ["nissa"]
        assert link["includeVars"]
        assert link["keepTime"]


def test_what_an_overview_shows_leads_to_the_detail(boards: Boards) -> None:
    links = [link for panel in panels(boards["nissa-overview"]) for link in panel.get("links", [])]
    led = {link["url"].removeprefix("/d/").split("?")[0] for link in links}
    assert led == boards.keys() - {"nissa-overview"}
    assert all("${__url_time_range}" in link["url"] and "${__all_variables}" in link["url"] for link in links)


def test_the_same_things_are_marked_everywhere(boards: Boards) -> None:
    marks = [board["annotations"]["list"] for board in boards.values()]
    assert all(own == marks[0] for own in marks)
    assert {mark["name"] for mark in marks[0]} >= {"Runs start", "Runs end", "Critical alerts", "Seeds fossilize"}


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


Mutation = Callable[[dict[str, Any]], object]


def target(board: dict[str, Any], title: str, n: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = panel_of(board, title)["targets"][n]
    return found


def panel_of(board: dict[str, Any], title: str) -> dict[str, Any]:
    (panel,) = [panel for panel in panels(board) if panel["title"] == title]
    return panel


def replaced(title: str, old: str, new: str, key: str = "expr", n: int = 0) -> Mutation:
    def mutate(board: dict[str, Any]) -> None:
        row = target(board, title, n)
        assert old in row[key]
        row[key] = row[key].replace(old, new)

    return mutate


def unit_of(title: str, unit: str) -> Mutation:
    def mutate(board: dict[str, Any]) -> None:
        (panel,) = [panel for panel in panels(board) if panel["title"] == title]
        panel["fieldConfig"]["defaults"]["unit"] = unit

    return mutate


RUNS = 'label_values({__name__=~"nissa_run_info|nissa_run_last_event_timestamp_seconds"}, run)'
MUTANTS: dict[str, tuple[Mutation, str]] = {
    "metric": (
        replaced("Efficiency", "nissa_best_efficiency_ratio", "nissa_efficient_ratio"),
        "nissa_efficient_ratio is not exported",
    ),
    "matcher": (replaced("Efficiency", "env=~", "layer=~"), "has no label layer"),
    "no matcher": (replaced("Efficiency", ', env=~"$env"', ""), "ignores the variable env"),
    "grouping": (replaced("Efficiency", "by (run, group)", "by (run, slot)"), "slot is not there to group by"),
    "variable": (replaced("Efficiency", "$env", "$environment"), "no variable environment"),
    "syntax": (replaced("Efficiency", "(", "(("), "does not parse"),
    "legend": (replaced("Efficiency", "{{group}}", "{{env}}", "legendFormat"), "the legend has env"),
    "unit": (unit_of("Efficiency", "s"), "in s"),
    "count's unit": (unit_of("Alerts raised", "cps"), "in cps"),
    "rate of a gauge": (replaced("Pace", "nissa_epochs_total", "nissa_epoch_index"), "which is a gauge"),
    "window": (replaced("Alerts raised", "$__rate_interval", "5m"), "a window of its own"),
    "match": (
        replaced("Progress", "max by (run) (nissa_run_e", "max by (instance) (nissa_run_e"),
        "never matches",
    ),
    "runs": (replaced("Alerts raised", "run, group, severity", "severity"), "adds up over ['group', 'run']"),
    "processes": (replaced("Alerts raised", ", instance, job", ""), "over processes that tell of one run"),
    "share": (replaced("Progress", 'env=~".*"', 'env=~"$env"'), "limit one side of a share"),
    "everywhere": (
        lambda board: panel_of(board, "Progress").update(description="Episodes since the run began."),
        "described as",
    ),
    "point": (lambda board: panel_of(board, "Alerts raised").pop("interval"), "a point is None"),
    "moment": (lambda board: target(board, "Alerts").update(instant=False), "asks for the wrong time"),
    "policy's row": (replaced("Each environment", ', env!=""', "", n=11), "is limited by env"),
    "description": (lambda board: panels(board)[0].update(description=""), "no description"),
    "source": (lambda board: target(board, "Efficiency")["datasource"].update(uid="prom"), "data source"),
    "id": (lambda board: board["panels"][3].update(id=2), "ids"),
    "edge": (lambda board: board["panels"][3]["gridPos"].update(x=23), "beyond the edge"),
    "overlap": (lambda board: board["panels"][3]["gridPos"].update(x=1), "one over the other"),
    "editable": (lambda board: board.update(editable=True), "editable"),
    "list": (
        lambda board: board["templating"]["list"][1]["query"].update(query=RUNS.replace(", run)", ", env)")),
        "lists env",
    ),
    "mark": (lambda board: board["annotations"]["list"][0].update(textFormat="{{slot}}"), "the legend has slot"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_in_a_dashboard_is_found(name: str, boards: Boards) -> None:
    board = copy.deepcopy(boards["nissa-overview"])
    mutate, complaint = MUTANTS[name]
    mutate(board)
    assert complaint in "\n".join(complaints(board)), json.dumps(complaints(board))
