"""The metrics are named and typed as Prometheus asks, and both of its formats hold what was shown."""

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest, parser
from prometheus_client.openmetrics import exposition
from prometheus_client.openmetrics import parser as openmetrics

from nissa.events.event import Event
from nissa.events.kinds import Payload
from nissa.sinks.prometheus.catalog import METRICS, OF_CLUSTER
from nissa.sinks.prometheus.collector import PrometheusSink
from nissa.sinks.prometheus.lifetimes import Lifetime
from nissa.sinks.prometheus.metric import Metric
from nissa.sinks.prometheus.metrics import TABLES

LABELS = {
    *("run", "group", "env", "blueprint", "slot", "stage", "gate", "head", "action", "kind", "sink", "component"),
    *("reason", "severity", "layer", "phase", "outcome", "percentile", "flag", "opportunity", "complaint", "profile"),
    *("alert", "trend", "initiator", "check", "state", "heuristic_op", "policy_op", "other", "width", "name", "gpu"),
    *("part", "rank"),
}
UNITS = {
    "seconds": "_seconds",
    "ratio": "_ratio",
    "parameters": "_parameters",
    "nats": "_nats",
    "bytes": "_bytes",
    "factor": "_ratio",
}

Stream = list[Event[Payload]]
each_metric = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)


@pytest.fixture
def registry(stream: Stream) -> CollectorRegistry:
    sink, registry = PrometheusSink(), CollectorRegistry()
    for event in stream:
        sink(event)
    registry.register(sink)
    return registry


@each_metric
def test_a_name_says_whose_it_is_and_whether_it_counts(metric: Metric) -> None:
    assert re.fullmatch(r"nissa_[a-z0-9]+(_[a-z0-9]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.type == "counter")


@each_metric
def test_a_unit_is_a_base_unit_and_stands_in_the_name(metric: Metric) -> None:
    assert metric.unit
    assert not re.search("percent|milli|micro|minutes|mega|kilo", metric.name + metric.unit)
    bare = metric.name.removesuffix("_total").removesuffix("_max")
    assert bare.endswith((UNITS.get(metric.unit, ""), "_loss")) or bare == "nissa_parameters_added"
    assert metric.unit in {"ratio", "factor"} or not bare.endswith("_ratio")
    assert metric.unit == "seconds" or not bare.endswith("_seconds")


@each_metric
def test_labels_are_few_and_never_grow_with_time(metric: Metric) -> None:
    if metric.name != "nissa_run_info":
        assert set(metric.labels) <= LABELS
    assert not {"seed", "episode", "epoch", "le"} & set(metric.labels)
    assert metric.labels[:2] != ("group", "run")
    assert "run" not in metric.labels or metric.labels[0] == "run"


@each_metric
def test_help_is_one_sentence(metric: Metric) -> None:
    assert re.fullmatch(r"[A-Z1(].{10,}\.", metric.help)


def test_no_two_metrics_say_the_same() -> None:
    assert len({(metric.help, metric.labels) for metric in METRICS.values()}) == len(METRICS)


def test_tables_agree_on_how_long_a_kind_is_true_and_on_what_tells_its_events_apart() -> None:
    kinds: dict[type, set[object]] = {}
    for table in TABLES:
        if table.lifetime is not Lifetime.ADDED:
            shared = table.lifetime is Lifetime.SHARED
            kinds.setdefault(table.source, set()).add((table.lifetime, table.key if shared else None))
    assert [kind for kind, lifetimes in kinds.items() if len(lifetimes) > 1] == []


def test_no_metric_is_declared_twice() -> None:
    assert len(METRICS) == sum(len(table.metrics) for table in TABLES)


def test_buckets_are_the_histograms_alone_and_rise() -> None:
    for metric in METRICS.values():
        assert bool(metric.buckets) == (metric.type == "histogram")
        assert list(metric.buckets) == sorted(set(metric.buckets))


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool on this machine: apt-get install prometheus")
def test_promtool_finds_nothing_to_complain_of(registry: CollectorRegistry) -> None:
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(registry), capture_output=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (generate_latest, parser.text_string_to_metric_families),
        (exposition.generate_latest, openmetrics.text_string_to_metric_families),
    ],
    ids=["text", "openmetrics"],
)
def test_what_is_written_reads_back(
    write: Callable[[CollectorRegistry], bytes], read: Callable[[str], object], registry: CollectorRegistry
) -> None:
    families = {family.name: family for family in read(write(registry).decode())}  # type: ignore[attr-defined]
    for metric in (metric for name, metric in METRICS.items() if name not in OF_CLUSTER):
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.type, metric.help)
        assert all(set(sample.labels) - {"le"} == set(metric.labels) for sample in family.samples)
        assert family.samples


def test_a_part_can_be_asked_for_by_name(registry: CollectorRegistry) -> None:
    some = registry.restricted_registry(["nissa_val_loss"]).collect()
    assert [family.name for family in some] == ["nissa_val_loss"]
