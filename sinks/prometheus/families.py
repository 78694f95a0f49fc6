"""From values to the families that prometheus_client writes out."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import accumulate, islice

from prometheus_client import Metric as Family
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from nissa.sinks.prometheus.catalog import METRICS
from nissa.sinks.prometheus.counters import MAX_LABEL_SETS
from nissa.sinks.prometheus.metric import Labels, Metric, Value

__all__ = ["families"]


def families(values: Mapping[str, Mapping[Labels, Value]]) -> list[Family]:
    """Every metric with its samples, in the order of the table; of too many label sets, the first ones."""
    return [_family(metric, values.get(metric.name, {})) for metric in METRICS.values()]


def _family(metric: Metric, values: Mapping[Labels, Value]) -> Family:
    family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
    rows = islice(values.items(), MAX_LABEL_SETS)
    if metric.type == "histogram":
        family.samples = [sample for labels, value in rows for sample in _histogram(metric, labels, value)]
    else:
        name, names = metric.name, metric.labels
        family.samples = [Sample(name, _labelled(names, labels), value) for labels, value in rows]  # type: ignore[arg-type]
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
    """Labels as prometheus_client wants them. Half a surrogate pair, as in some file names, would end the scrape."""
    texts = (str(value).encode("utf-8", "replace").decode("utf-8") for value in values)
    return dict(sorted(zip(names, texts, strict=True)))
