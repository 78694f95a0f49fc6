"""Scalars on /metrics: the last of each name and environment, and no more of them than there is room for."""

import math

import pytest

from nissa.events.event import Event, Scope
from nissa.events.kinds import RunEnded, ScalarsLogged
from nissa.sinks.prometheus import PrometheusSink
from nissa.sinks.prometheus.scalars import MAX_SCALARS


def shown(sink: PrometheusSink, metric: str = "nissa_scalar") -> dict[tuple[str, ...], float]:
    samples = [sample for family in sink.collect() for sample in family.samples if sample.name == metric]
    return {tuple(sample.labels.get(key, "") for key in ("run", "env", "name")): sample.value for sample in samples}


def logged(env: int | None, values: dict[str, float], run: str = "r") -> Event[ScalarsLogged]:
    return Event(0, 0.0, Scope(run, env=env), ScalarsLogged(values=values))


def test_each_name_keeps_its_last_value_also_where_it_was_logged_alone() -> None:
    sink = PrometheusSink()
    for event in (logged(0, {"lr": 1.0}), logged(0, {"scale": 8.0}), logged(0, {"lr": 0.5}), logged(None, {"lr": 2.0})):
        sink(event)
    assert shown(sink) == {("r", "0", "lr"): 0.5, ("r", "0", "scale"): 8.0, ("r", "", "lr"): 2.0}


def test_a_broken_value_is_shown_as_broken() -> None:
    sink = PrometheusSink()
    sink(logged(0, {"lr": math.nan}))
    assert math.isnan(shown(sink)["r", "0", "lr"])


def test_names_without_end_are_counted_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = PrometheusSink()
    for step in range(MAX_SCALARS + 7):
        sink(logged(0, {f"at step {step}": 1.0, "lr": float(step)}))
    values = shown(sink)
    assert len(values) == MAX_SCALARS
    assert values["r", "0", "lr"] == MAX_SCALARS + 6
    (refused,) = shown(sink, "nissa_label_sets_refused_total").values()
    assert refused == 8
    (record,) = caplog.records
    assert "run r: /metrics has room for 1000 scalars, and leaves out at step 999 and" in record.getMessage()


def test_a_run_that_leaves_gives_its_room_back() -> None:
    now = [0.0]
    sink = PrometheusSink(grace=10.0, clock=lambda: now[0])
    sink(logged(0, {"lr": 1.0}, "gone"))
    sink(logged(0, {"lr": 2.0}, "here"))
    sink(Event(1, 0.0, Scope("gone"), RunEnded(outcome="completed", duration=1.0)))
    now[0] = 11.0
    assert shown(sink) == {("here", "0", "lr"): 2.0}
