"""Fidelity and traces as Prometheus, the terminal and the tables show them, against counts done by hand."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nissa.events.kinds import DenseTraceCaptured, FidelityChanged, TracedAlert, TracedBatch
from nissa.events.vocabulary import ALERT_NAMES
from nissa.operators.fidelity.escalation import escalate
from nissa.pipeline.dispatch.dispatcher import Dispatcher
from nissa.sinks.console.event_lines import line
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.tables import summary_rows as tables
from nissa.sinks.tables.summary_rows import Tables
from tests.operators.fidelity.test_escalation import EPOCH, SIGNS, dense_epochs
from tests.operators.raised import raised, resolved, told
from tests.samples import episode_started


def trace(
    *reasons: str, env: int | None = 0, batches: int = 2, severities: Sequence[str] = ("warning",)
) -> DenseTraceCaptured:
    """A trace of that many batches before its alerts, of these severities, and one after them."""
    row = TracedBatch(batch=0, loss=1.0, accuracy=1.0, host_grad_norm=1.0, seed_grad_norms={})
    return DenseTraceCaptured(
        group="ppo",
        env=env,
        episode=3,
        reasons=list(reasons),
        first_epoch=4,
        last_epoch=5,
        batches_before=[row] * batches,
        batches_after=[row],
        gradients=[],
        norms_before={},
        activations=[],
        gates=[],
        alerts=[
            TracedAlert(alert="odd", severity=severity, place=batches, clause="mark", what="odd")
            for severity in severities
        ],
        closed="window",
        left_out={},
    )


def change(level: str, before: str, clause: str, *reasons: str) -> FidelityChanged:
    return FidelityChanged(level=level, before=before, reasons=list(reasons), clause=clause, dense_epochs=3, epochs=9)


def shown(sink: PrometheusSink, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric by the values of its labels, sorted by their names."""
    samples = [sample for family in sink.collect() for sample in family.samples if sample.name == name]
    return {tuple(sample.labels[label] for label in sorted(sample.labels)): sample.value for sample in samples}


def fail(owner: str, error: BaseException, about: object) -> None:
    raise AssertionError(owner) from error


def fed(events: Any, mode: str = "adaptive") -> PrometheusSink:
    sink = PrometheusSink()
    dispatcher = Dispatcher({"fidelity": escalate(mode)}, {"sink": sink}, fail)
    for event in events:
        dispatcher.deliver(event)
    return sink


@pytest.mark.parametrize(
    ("story", "level", "dense"),
    [
        ([EPOCH, EPOCH], 0, 0),
        ([EPOCH, raised()], 1, 0),
        ([EPOCH, raised(), EPOCH, (EPOCH, {"env": 1})], 1, 2),
        ([raised(), resolved(), *[EPOCH] * 5], 0, 3),
    ],
)
def test_level_and_dense_epochs_are_up_to_date_between_changes_too(story: Any, level: int, dense: int) -> None:
    sink = fed(told(story))
    assert shown(sink, "nissa_fidelity_level") == {("test",): level}
    assert shown(sink, "nissa_dense_epochs_total") == {("test",): dense}


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["a", "r", "e", "e", "o", "b", "c"]), min_size=1, max_size=200))
def test_dense_epochs_equal_a_plain_count(signs: list[str]) -> None:
    events = told([episode_started(), *[SIGNS[sign] for sign in signs]])
    dense, _ = dense_epochs(events, escalate("adaptive"))
    assert shown(fed(events), "nissa_dense_epochs_total") == {("test",): dense}


def test_the_last_change_holds_whichever_environment_caused_it() -> None:
    sink = PrometheusSink()
    up, down = change("dense", "normal", "alert", "loss_spike"), change("normal", "dense", "resolved")
    for event in told([(EPOCH, {"env": 0}), (EPOCH, {"env": 1}), (up, {"env": 1}), (down, {"env": 0})]):
        sink(event)
    assert shown(sink, "nissa_fidelity_level") == {("test",): 0}
    sink(told([(up, {"env": 0})])[0])
    assert shown(sink, "nissa_fidelity_level") == {("test",): 1}


def test_traces_are_counted_where_they_are_about_and_alerts_are_known_from_the_start() -> None:
    sink = PrometheusSink()
    sink(told([episode_started()])[0])
    assert shown(sink, "nissa_traces_total") == {(alert, "0", "ppo", "test"): 0 for alert in ALERT_NAMES}
    for row in (trace("loss_spike", "non_finite"), trace("loss_spike", env=1), trace("loss_spike")):
        # A trace that closes with its run is told by the run.
        sink(told([row], env=None, group=None, episode=None)[0])
    found = {labels: value for labels, value in shown(sink, "nissa_traces_total").items() if value}
    assert found == {
        ("loss_spike", "0", "ppo", "test"): 2,
        ("non_finite", "0", "ppo", "test"): 1,
        ("loss_spike", "1", "ppo", "test"): 1,
    }


def test_the_last_change_of_each_run_is_a_row() -> None:
    tables = Tables()
    for event in told([change("dense", "normal", "alert", "loss_spike"), change("normal", "dense", "resolved")]):
        tables(event)
    (row,) = tables.snapshot()["fidelity"]
    assert (row["run"], row["level"], row["clause"]) == ("test", "normal", "resolved")
    assert (row["dense_epochs"], row["epochs"], row["reasons"]) == (3, 9, [])


def test_of_too_many_rows_the_first_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LIMIT", 2)
    rows = Tables()
    for event in told([trace("a"), trace("b"), trace("c")]):
        rows(event)
    assert [row["reasons"] for row in rows.snapshot()["traces"]] == [["b"], ["c"]]


def test_rows_of_traces_say_how_long_they_are() -> None:
    rows = Tables()
    rows(told([trace("loss_spike", "non_finite")], env=None)[0])
    assert rows.snapshot()["traces"] == [
        {
            "run": "test",
            "group": "ppo",
            "env": 0,
            "episode": 3,
            "reasons": ["loss_spike", "non_finite"],
            "first_epoch": 4,
            "last_epoch": 5,
            "batches_before": 2,
            "batches_after": 1,
            "closed": "window",
        }
    ]


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (change("dense", "normal", "alert", "loss_spike"), ("fidelity", "dense: for loss_spike", "3 of 9 epochs")),
        (change("normal", "dense", "resolved"), ("normal: all is well again",)),
        (change("normal", "normal", "budget", "a", "b"), ("a, b would have it dense", "budget is spent")),
        (change("dense", "normal", "of {another} writer"), ("dense: of {another} writer",)),
        (trace("loss_spike", "odd"), ("trace", "ppo env0 ep3: loss_spike, odd", "2 batches before and 1 after")),
    ],
)
def test_changes_and_traces_are_one_line_each(payload: Any, words: tuple[str, ...]) -> None:
    text = line(told([payload])[0], 1.0)
    assert text is not None
    assert all(word in text.plain for word in words), text.plain


def test_a_trace_of_marks_alone_is_not_told() -> None:
    assert line(told([trace("stage_transition", severities=("info", "info"))])[0], 1.0) is None
    assert line(told([trace("stage_transition", severities=("info", "critical"))])[0], 1.0) is not None
