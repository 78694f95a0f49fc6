"""The last rise of a counter has the number of its trace, for who understands OpenMetrics, and for nobody else."""

import math
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition, parser

from nissa.cli.runs.replay import read_run
from nissa.events.event import Event
from nissa.events.kinds import AlertRaised, DenseTraceCaptured, RunEnded
from nissa.sinks.prometheus import exemplars
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.server import MetricsServer
from nissa.sinks.serving import listening
from tests.operators.raised import raised
from tests.samples import event
from tests.sinks.prometheus.test_trace_metrics import trace

parsed: Any = parser.text_string_to_metric_families
LABELS = ("run", "group", "env", "alert", "severity")


class Dot(NamedTuple):
    trace: str
    value: float
    time: float | None


def text(sink: PrometheusSink, openmetrics: bool = True) -> str:
    registry = CollectorRegistry()
    registry.register(sink)
    return (exposition.generate_latest if openmetrics else generate_latest)(registry).decode()


def dots(sink: PrometheusSink, name: str = "nissa_alerts_total") -> dict[tuple[str, ...], Dot]:
    """What OpenMetrics says of the series of a metric, by those labels of `LABELS` that it has."""
    samples = [s for family in parsed(text(sink)) for s in family.samples]
    return {
        tuple(s.labels[label] for label in LABELS if label in s.labels): Dot(
            s.exemplar.labels["trace"],
            s.exemplar.value,
            None if s.exemplar.timestamp is None else float(s.exemplar.timestamp),
        )
        for s in samples
        if s.exemplar
        if s.name == name
    }


def fed(*events: Event[Any]) -> PrometheusSink:
    sink = PrometheusSink(grace=0.0)
    for one in events:
        sink(one)
    return sink


def odd(time: float, severity: str = "warning", **where: Any) -> Event[AlertRaised]:
    return event(raised("odd", severity), time=time, **{"group": "ppo", "env": 0, **where})


def closed(time: float, *reasons: str, **about: Any) -> Event[DenseTraceCaptured]:
    return event(trace(*reasons or ("odd",), **about), time=time)


def test_an_alert_has_the_number_of_the_last_trace_that_names_it_at_its_own_time() -> None:
    told = [odd(1.5), closed(2.0), odd(3.0), odd(4.0, "critical"), closed(5.0), closed(6.0, env=1), odd(7.0)]
    sink = fed(*told)
    assert dots(sink) == {("test", "ppo", "0", "odd", "warning"): Dot("2", 1, 3.0)}
    assert dots(sink, "nissa_traces_total") == {
        ("test", "ppo", "0", "odd"): Dot("2", 1, 5.0),
        ("test", "ppo", "1", "odd"): Dot("3", 1, 6.0),
    }


@pytest.mark.parametrize(("group", "env"), [("ppo", None), (None, None)])
def test_an_alert_of_a_policy_is_found_in_the_trace_of_an_environment(group: str | None, env: None) -> None:
    assert dots(fed(odd(1.0, group=group, env=env), closed(2.0))) == {
        ("test", group or "", "", "odd", "warning"): Dot("1", 1, 1.0)
    }


def test_an_alert_that_has_its_trace_does_not_get_the_next_one_of_its_name() -> None:
    told = [odd(1.0, env=None), closed(2.0), odd(3.0, env=1), closed(4.0, env=1)]
    assert {labels[2]: dot.trace for labels, dot in dots(fed(*told)).items()} == {"": "1", "1": "2"}


def test_runs_are_numbered_for_themselves_and_given_back() -> None:
    told = [odd(1.0), closed(1.0), odd(2.0, run="other"), event(trace("odd"), time=3.0, run="other")]
    sink = fed(*told)
    assert {labels[0]: dot.trace for labels, dot in dots(sink).items()} == {"test": "1", "other": "1"}
    sink(event(RunEnded(outcome="completed", duration=1.0), time=4.0))
    assert {labels[0] for labels in dots(sink)} == {"other"}
    assert {labels[0] for labels in sink._state._exemplars._last["nissa_alerts_total"]} == {"other"}


@pytest.mark.parametrize("moment", [math.nan, math.inf])
def test_a_time_that_is_no_number_is_left_out(moment: float) -> None:
    assert [dot.time for dot in dots(fed(odd(moment), closed(2.0))).values()] == [None]


def test_no_more_are_kept_than_there_is_room_for() -> None:
    kept = exemplars.Exemplars(most=2)
    for number in range(5):
        kept.take(("test", "ppo", str(number)), odd(1.0, env=number))
        kept.take(("test", "ppo", str(number)), closed(2.0, env=number))
    assert {name: len(series) for name, series in kept.copy().items()} == dict.fromkeys(
        ("nissa_alerts_total", "nissa_traces_total"), 2
    )


def test_the_text_format_is_what_it_was() -> None:
    told = [odd(1.0), closed(2.0)]
    assert "trace=" in text(fed(*told))
    rows = text(fed(*told), openmetrics=False).splitlines()
    assert not [row for row in rows if "trace=" in row or " # " in row.removeprefix("#")]


def test_numbers_are_those_that_nissa_trace_takes(demo: Path) -> None:
    sink, traces, last = PrometheusSink(), list[DenseTraceCaptured](), defaultdict[Any, float](float)

    def note(one: Event[Any]) -> None:
        sink(one)
        if isinstance(one.payload, DenseTraceCaptured):
            traces.append(one.payload)
        if isinstance(one.payload, AlertRaised):
            last[one.scope.group or "", str(one.scope.env), one.payload.alert] = one.time

    read_run(demo, note)
    found = dots(sink)
    assert len(found) > 3
    for (_, group, env, alert, severity), dot in found.items():
        named = traces[int(dot.trace) - 1]
        assert (alert, severity) in {(row.alert, row.severity) for row in named.alerts}
        assert (group, env) in {(named.group, str(named.env)), (named.group, "")}
        assert env == "" or dot.time == pytest.approx(last[group, env, alert])


def test_a_real_prometheus_keeps_them(prometheus: Any) -> None:
    now = time.time()
    server = MetricsServer(fed(odd(now - 2.0), closed(now)), listening("127.0.0.1", 0))
    server.start()
    try:
        instance = prometheus.scrape(server.url)
        # As Grafana asks: with the query of the panel.
        asked = f'sum by (severity) (increase(nissa_alerts_total{{instance="{instance}"}}[1m]))'
        ends = {"start": f"{now - 60:.3f}", "end": f"{now + 60:.3f}"}
        (series,) = prometheus.get("query_exemplars", query=asked, **ends)
        assert series["seriesLabels"]["alert"] == "odd"
        (dot,) = series["exemplars"]
        assert (dot["labels"], float(dot["value"])) == ({"trace": "1"}, 1.0)
        assert dot["timestamp"] == pytest.approx(now - 2.0, abs=0.001)
    finally:
        server.close()
