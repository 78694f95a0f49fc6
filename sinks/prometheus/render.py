"""From what is known, or what an event said, to the families that prometheus_client writes out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from typing import Any

from prometheus_client import Metric as Family
from prometheus_client.samples import Exemplar, Sample
from prometheus_client.utils import floatToGoString

from nissa.sinks.prometheus.catalog import LATEST, METRICS, OF_CLUSTER
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from nissa.sinks.prometheus.label_text import label_text
from nissa.sinks.prometheus.lifetimes import Table
from nissa.sinks.prometheus.metric import Labels, Metric, Read
from nissa.sinks.prometheus.rows import Row
from nissa.sinks.prometheus.snapshot import LatestByKind, Value

__all__ = ["Values", "families", "read", "read_latest"]

Values = defaultdict[str, dict[Labels, Value]]
"""Values by name and labels."""
_OF_RUNS = tuple(name for name in METRICS if name not in OF_CLUSTER)


def read_latest(values: Values, place: LatestByKind) -> int:
    """Put what the last events of a place say among the values; the number of those that could not be read."""
    return sum(
        not read(values, tables, place.at, event)
        for kind, event in place.latest.items()
        if (tables := LATEST.get(kind))
    )


def read(values: Values, tables: Iterable[Table], at: Labels, source: Any) -> bool:
    """Put what tables say of their source among the values; whether all could be read. What cannot is left out."""
    readable = True
    for table in tables:
        try:
            rows = table.rows(at[: table.depth], source)
        except Exception:  # noqa: BLE001  # a live payload may hold anything
            readable = False
            continue
        for name, value_of in table.reads:
            readable &= _read_rows(values[name], rows, value_of)
    return readable


def _read_rows(series: dict[Labels, Value], rows: Sequence[Row], value_of: Read) -> bool:
    readable = True
    for labels, row in rows:
        try:
            if (value := value_of(row)) is not None:
                series[labels] = float(value)
        except Exception:  # noqa: BLE001  # such as a whole number that no float holds
            readable = False
    return readable


def families(
    values: Mapping[str, Mapping[Labels, Value]],
    exemplars: Mapping[str, Mapping[Labels, Exemplar]],
    names: Iterable[str] = _OF_RUNS,
) -> list[Family]:
    """Metrics with their samples, in the order of `names`; of too many label sets, the first ones."""
    shown = map(METRICS.__getitem__, names)
    return [_family(metric, values.get(metric.name), exemplars.get(metric.name, {})) for metric in shown]


def _family(metric: Metric, values: Mapping[Labels, Value] | None, exemplars: Mapping[Labels, Exemplar]) -> Family:
    family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
    if values:
        rows = islice(values.items(), MAX_LABEL_SETS)
        if metric.type == "histogram":
            family.samples = [sample for labels, value in rows for sample in _histogram(metric, labels, value)]
        else:
            name, names = metric.name, metric.labels
            family.samples = [
                Sample(name, _labelled(names, labels), value, exemplar=exemplars.get(labels))  # type: ignore[arg-type]
                for labels, value in rows
            ]
    return family


def _histogram(metric: Metric, labels: Labels, value: Value) -> Iterator[Sample]:
    assert isinstance(value, tuple)
    *counts, total = value
    bounds = (*map(floatToGoString, metric.buckets), "+Inf")
    for bound, count in zip(bounds, accumulate(counts), strict=True):
        yield Sample(f"{metric.name}_bucket", _labelled((*metric.labels, "le"), (*labels, bound)), count)
    yield Sample(f"{metric.name}_count", _labelled(metric.labels, labels), sum(counts))
    yield Sample(f"{metric.name}_sum", _labelled(metric.labels, labels), total)


@lru_cache(maxsize=1 << 15)
def _labelled(names: Labels, values: Labels) -> dict[str, str]:
    """Labels as prometheus_client wants them."""
    return dict(sorted(zip(names, map(label_text, values), strict=True)))
