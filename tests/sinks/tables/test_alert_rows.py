"""Alerts as a person sees them: in the table, on the terminal, and in the metrics."""

import math
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from nissa.events.event import Event, Scope
from nissa.events.kinds import AlertRaised, AlertResolved
from nissa.events.vocabulary import LOSS_SPIKE
from nissa.operators.alerts.active_alerts import ActiveAlert, AlertKey, resolve, update_alert
from nissa.operators.alerts.finding import Finding
from nissa.sinks.console.event_lines import line
from nissa.sinks.console.summary_tables import summary
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.tables.alert_rows import AlertRows
from nissa.sinks.tables.summary_rows import Tables
from tests.samples import episode_started, event

SPIKE = AlertRaised(
    alert="loss_spike",
    severity="warning",
    subject="loss",
    value=3.0,
    baseline=1.0,
    threshold=2.0,
    window=20,
    clause="ratio",
    what="loss 3 over 2, usually 1: ratio",
)
OVER = AlertResolved(
    alert="loss_spike",
    severity="warning",
    subject="loss",
    group="ppo",
    env=1,
    episode=2,
    epoch=7,
    observations=12,
    clause="recovered",
)
WHERE: dict[str, Any] = {"group": "ppo", "env": 1, "episode": 2, "epoch": 7}


def rows(*told: Event[Any]) -> list[dict[str, Any]]:
    tables = Tables()
    for one in told:
        tables(one)
    return tables.snapshot()["alerts"]


def test_a_row_says_what_was_raised_where_and_whether_it_is_over() -> None:
    (row,) = rows(event(SPIKE, **WHERE))
    assert row == {
        "run": "test",
        "alert": "loss_spike",
        "severity": "warning",
        "subject": "loss",
        **WHERE,
        "update": None,
        "value": 3.0,
        "baseline": 1.0,
        "threshold": 2.0,
        "clause": "ratio",
        "what": "loss 3 over 2, usually 1: ratio",
        "state": "stands",
        "ended": None,
        "observations": None,
    }
    (row,) = rows(event(SPIKE, **WHERE), event(OVER))
    assert (row["state"], row["ended"], row["observations"]) == ("over", "recovered", 12)


@pytest.mark.parametrize(
    ("clause", "state"),
    [
        ("recovered", "over"),
        ("mark", "over"),
        ("stage_changed", "over"),
        ("episode_ended", "open at the end"),
        ("episode_lost", "open at the end"),
        ("run_ended", "open at the end"),
        ("crowded", "open at the end"),
        ("of a newer writer", "open at the end"),
    ],
)
def test_an_alert_that_an_end_resolved_is_not_over(clause: str, state: str) -> None:
    (row,) = rows(event(SPIKE, **WHERE), event(replace(OVER, clause=clause)))
    assert (row["state"], row["ended"]) == (state, clause)
    assert state in shown(event(SPIKE, **WHERE), event(replace(OVER, clause=clause)))


def test_an_alert_of_the_policy_says_its_update() -> None:
    (row,) = rows(event(replace(SPIKE, update=12), group="ppo"))
    assert (row["update"], row["epoch"]) == (12, None)


def test_an_end_belongs_to_the_alert_of_its_own_environment_and_subject() -> None:
    other, again = event(SPIKE, group="ppo", env=0), event(SPIKE, **WHERE)
    assert [row["state"] for row in rows(again, other, event(OVER), again)] == ["over", "stands", "stands"]
    assert rows(event(OVER)) == []


def test_a_broken_value_is_shown_as_what_it_is() -> None:
    alert = AlertRaised(alert="non_finite", severity="critical", subject="loss", value=math.nan, clause="x", what="x")
    assert rows(event(alert))[0]["value"] == "NaN"


def test_of_too_many_rows_the_oldest_goes_and_its_end_is_nobodys() -> None:
    table = AlertRows(limit=2)
    for env in (1, 2, 3):
        table(event(SPIKE, group="ppo", env=env))
    table(event(OVER))
    assert [(row["env"], row["state"]) for row in table.snapshot()] == [(2, "stands"), (3, "stands")]


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=30))
def test_what_stands_in_the_operator_stands_in_the_table_and_in_the_metrics(turns: list[tuple[int, bool]]) -> None:
    alerts, tables, sink = dict[AlertKey, ActiveAlert](), Tables(), PrometheusSink()
    for number, high in turns:
        found = Finding("x", 2.0, "x") if high else None
        for row in update_alert(alerts, Scope("test", "ppo", 1), (LOSS_SPIKE, f"s{number}"), found, calm=2):
            for sees in (tables, sink):
                sees(event(row, group="ppo", env=1))
    open_rows = [row["subject"] for row in tables.snapshot()["alerts"] if row["state"] == "stands"]
    assert open_rows == [key[1] for key in alerts]
    assert active(sink) == (len(alerts) if turns and tables.snapshot()["alerts"] else 0)
    for row in resolve(alerts, "run_ended"):
        for sees in (tables, sink):
            sees(event(row))
    assert all(row["state"] != "stands" for row in tables.snapshot()["alerts"])
    assert active(sink) == 0


def active(sink: PrometheusSink) -> float:
    return sum(s.value for family in sink.collect() if family.name == "nissa_alert_active" for s in family.samples)


def test_alerts_are_zero_before_they_first_happen() -> None:
    sink = PrometheusSink()
    sink(event(episode_started(), group="ppo", env=0))
    (family,) = [family for family in sink.collect() if family.name == "nissa_alerts"]
    assert {sample.labels["alert"] for sample in family.samples} >= {"loss_spike", "non_finite", "accuracy_drop"}
    assert {sample.value for sample in family.samples} == {0}


def test_the_terminal_shows_alerts_and_their_ends_but_no_marks() -> None:
    assert "WARNING      loss_spike (loss): loss 3 over 2" in str(line(event(SPIKE, **WHERE), 1.0))
    assert "recovered after 12 observations, raised in ppo env1 ep2 e7" in str(line(event(OVER), 1.0))
    mark = AlertRaised(alert="gate_failure", severity="info", subject="early", clause="mark", what="G2 did not open")
    assert line(event(mark), 1.0) is None


def shown(*told: Event[Any]) -> str:
    tables = Tables()
    for one in told:
        tables(one)
    return drawn(tables.snapshot())


def drawn(tables: dict[str, Any]) -> str:
    file = StringIO()
    Console(width=120, no_color=True, file=file).print(summary(tables))
    return file.getvalue()


MARK = AlertRaised(alert="gate_failure", severity="info", subject="early", clause="mark", what="G2 did not open")
BROKEN = replace(SPIKE, alert="non_finite", severity="critical", what="loss is nan")


def test_the_summary_has_a_table_of_alerts_the_worst_first_and_without_marks() -> None:
    text = shown(event(MARK), event(SPIKE, **WHERE), event(OVER), event(SPIKE, env=3), event(BROKEN, env=0))
    rows = [row for row in text.splitlines() if row.lstrip().startswith(("critical", "warning", "info"))]
    assert [row.split()[:3] for row in rows] == [
        ["critical", "non_finite", "env0"],
        ["warning", "loss_spike", "env3"],
        ["warning", "loss_spike", "ppo"],
    ]
    assert ["stands" in row for row in rows] == [True, True, False]
    assert "loss 3 over 2, usually 1: ratio" in rows[-1]
    assert "Alerts" not in shown(event(MARK))


def test_of_many_alerts_some_are_shown_and_the_rest_counted() -> None:
    text = shown(*(event(SPIKE, env=env) for env in range(1, 31)))
    assert text.count("warning") == 20
    assert "10 more" in text


def test_the_summary_says_where_to_find_the_dense_traces() -> None:
    traces = [{"reasons": ["loss_spike"]}] * 2
    assert "2 dense traces of alerts: `nissa traces RUN`" in drawn({**Tables().snapshot(), "traces": traces})
