"""An alert leads to the panel that shows what it is about, for the run or the process that it is about."""

import re

import pytest

from nissa.grafana.leads import LEADS, with_leads
from tests.grafana.gone import plain
from tests.grafana.judged import DETECTED
from tests.grafana.leads import url
from tests.grafana.meanings import metrics_in
from tests.grafana.promql import selected
from tests.grafana.rules import ALERTS, BOARDS, FILES, RECORDED
from tests.grafana.stories import STORIES

OF_OTHER_THINGS = {
    *(
        "NissaGradientExplosion",
        "NissaLossSpike",
        "NissaAccuracyDrop",
        "NissaAccountMismatch",
        "NissaImplausibleValue",
        "NissaRankStraggler",
        "NissaRankDiverged",
        "NissaRankSilent",
        "NissaScrapeStale",
    )
}
"""Their panels ask for no metric that is judged: a detector compares with the past, and `up` is Prometheus' own."""


def asked(expr: str) -> set[str]:
    """Metrics of an expression, of the recorded rules in it, and of the limits of detectors that it passes on."""
    names = {name for name, _ in selected(expr)}
    found = {metric for name in names for metric in (asked(RECORDED[name]) if name in RECORDED else {name})}
    detectors = {name for names in re.findall(r'alert=~?"([\w|]+)"', expr) for name in names.split("|")}
    judged = [name for detector in detectors if not isinstance(told := DETECTED[detector], str) for name in told]
    return found | set(re.findall(r"nissa_\w+", " ".join(judged)))


@pytest.mark.parametrize("alert", ALERTS)
def test_the_panel_of_that_number_shows_what_the_alert_is_about(alert: str) -> None:
    texts = ALERTS[alert]["annotations"]
    uid, number = texts["__dashboardUid__"], texts["__panelId__"]
    assert texts["dashboard_url"].startswith(f"/d/{uid}?viewPanel={number}{{")
    (panel,) = [panel for panel in BOARDS[uid]["panels"] if str(panel["id"]) == number]
    assert (uid, panel["title"]) == LEADS[alert]
    shown = set.union(*(metrics_in(plain(target["expr"])) for target in panel["targets"]))
    assert bool(shown & asked(ALERTS[alert]["expr"])) == (alert not in OF_OTHER_THINGS)


def test_no_alert_is_without_a_panel_and_none_of_the_past_has_one() -> None:
    assert LEADS.keys() == ALERTS.keys()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_of_one_run_or_process_does_not_show_all(alert: str) -> None:
    labels = [story.labels for story in STORIES if story.alert == alert and story.fires]
    assert labels
    assert all(re.search("&var-(run|instance)=.", url(alert, its)) for its in labels)


def test_a_panel_that_moves_takes_the_alerts_with_it_and_nothing_else_is_touched() -> None:
    boards = [{**board, "panels": [{**p, "id": p["id"] + 100} for p in board["panels"]]} for board in BOARDS.values()]
    for text in (file.read_text() for file in FILES):
        moved = with_leads(text, boards)
        pairs = [*zip(text.splitlines(), moved.splitlines(), strict=True)]
        changed = {old.split(":")[0].strip() for old, new in pairs if old != new}
        assert changed <= {"dashboard_url", "__panelId__"}
        assert with_leads(moved, BOARDS.values()) == text


def test_a_new_alert_needs_no_more_than_its_page() -> None:
    (text,) = [file.read_text() for file in FILES if file.stem == "runs"]
    bare = re.sub(r" +(dashboard_url|__dashboardUid__|__panelId__): .*\n", "", text)
    assert bare.count("\n") < text.count("\n")
    assert with_leads(bare, BOARDS.values()) == text
