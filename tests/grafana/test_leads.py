"""An alert leads to the panel that shows what it is about, in the alert itself and in the runbook."""

import re
from pathlib import Path

import pytest

from tests.grafana.gone import plain
from tests.grafana.leads import LEADS, OF_OTHER_THINGS, panel_of
from tests.grafana.meanings import metrics_in
from tests.grafana.promql import selected
from tests.grafana.rules import ALERTS, BOARDS, RECORDED

each_alert = pytest.mark.parametrize("alert", ALERTS)


def asked(expr: str) -> set[str]:
    """Metrics of an expression and of the recorded rules in it."""
    names = {name for name, _ in selected(expr)}
    return {metric for name in names for metric in (asked(RECORDED[name]) if name in RECORDED else {name})}


def test_every_alert_leads_somewhere() -> None:
    assert LEADS.keys() == ALERTS.keys()


@each_alert
def test_the_panel_is_there_and_both_ways_to_it_agree(alert: str) -> None:
    """Grafana's own list of alerts goes by uid and id, people by the address."""
    texts, (uid, _) = ALERTS[alert]["annotations"], LEADS[alert]
    number = panel_of(alert)["id"]
    assert (texts["__dashboardUid__"], texts["__panelId__"]) == (uid, str(number))
    path, _, choices = texts["dashboard_url"].partition("&")
    assert path == f"/d/{uid}?viewPanel={number}"
    chosen = set(re.findall(r"var-(\w+)=", choices))
    assert chosen <= {variable["name"] for variable in BOARDS[uid]["templating"]["list"]}
    assert chosen, "an alert of one run or process must not show all"


@each_alert
def test_the_panel_shows_what_the_alert_is_about(alert: str) -> None:
    shown = set.union(*(metrics_in(plain(target["expr"])) for target in panel_of(alert)["targets"]))
    assert bool(shown & asked(ALERTS[alert]["expr"])) == (alert not in OF_OTHER_THINGS)


@each_alert
def test_the_runbook_names_the_panel(alert: str, root: Path) -> None:
    uid, title = LEADS[alert]
    page = (root / "docs" / "runbooks.md").read_text()
    section = page.split(f"\n### {alert}\n")[1].split("\n### ")[0]
    board = BOARDS[uid]["title"].removeprefix("Nissa ")
    assert re.findall(r"^- Panel: (.*)$", section, re.MULTILINE) == [f"{board.capitalize()}, {title}."]
