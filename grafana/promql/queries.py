"""What does a panel ask? PromQL that is limited to what the reader chose in the dashboard's variables.

Several processes may tell of one run, as a trainer and a server of its recording do: then it counts once.

>>> of("nissa_live_growth_ratio")
'nissa_live_growth_ratio{run=~"$run", group=~"$group", env=~"$env"}'
>>> of("nissa_alert_active", env="$env|", alert="kl_spike")
'nissa_alert_active{run=~"$run", group=~"$group", env=~"$env|", alert=~"kl_spike"}'
>>> of("nissa_scrapes_total")
'nissa_scrapes_total{instance=~"$instance"}'
>>> total("x", "run, group")
'max by (run, group) (sum by (run, group, instance, job) (x))'
"""

from collections.abc import Sequence
from typing import NamedTuple

from nissa.sinks.prometheus import METRICS

__all__ = [
    "AT_THE_END",
    "FIRING",
    "SCOPE",
    "Query",
    "increase",
    "largest",
    "median",
    "of",
    "once",
    "rate",
    "spread",
    "summed",
    "total",
]

SCOPE = ("run", "group", "env", "blueprint")
"""Labels that have a variable of the same name. What has none of them is the process's, and has the scrape's."""

_WINDOW = "$__rate_interval"
AT_THE_END = "[$__range] @ end()"
"""A window that is the whole time range at every point, so that what is chosen by it is the same at all."""


FIRING = 'ALERTS{alertstate="firing", alertname=~"Nissa.+", run=~"$run|", group=~"$group|", env=~"$env|"}'
"""What Prometheus itself says of our alerts. Those of a process have no run, and are shown whatever is chosen."""


class Query(NamedTuple):
    """One query of a panel."""

    expr: str
    """PromQL."""
    legend: str
    """Name of a series, with labels as in `{{env}}`."""
    exemplars: bool = False
    """Whether to show the exemplars of the counters in it, too: dots that say which trace to look at."""


def of(metric: str, suffix: str = "", **matchers: str) -> str:
    """A selector: the variables for the labels that have one, and `matchers`, regular expressions that go before.

    `suffix` is a histogram's `_bucket`, `_sum` or `_count`. Raises KeyError for a metric that is not exported, and
    ValueError for a label that it has not.
    """
    labels = METRICS[metric].labels
    if unknown := matchers.keys() - {*labels, "le", "instance"}:
        raise ValueError(f"{metric} has no label {min(unknown)}: it has {', '.join(labels)}")
    shared = [name for name in SCOPE if name in labels] or ["instance"]
    chosen = {name: f"${name}" for name in shared} | matchers
    where = ", ".join(f'{name}=~"{value}"' for name, value in chosen.items())
    return f"{metric}{suffix}{{{where}}}"


def rate(metric: str, suffix: str = "", **matchers: str) -> str:
    """Growth of a counter in a second."""
    return f"rate({of(metric, suffix, **matchers)}[{_WINDOW}])"


def increase(metric: str, suffix: str = "", window: str = _WINDOW, **matchers: str) -> str:
    """Growth of a counter over the width of a point, or over `window`."""
    return f"increase({of(metric, suffix, **matchers)}[{window}])"


def once(expr: str, by: str = "run, group") -> str:
    """The value for each `by`, of which there is one, whoever tells it."""
    return f"max by ({by}) ({expr})"


def summed(expr: str, by: str = "run, group") -> str:
    """Sum over what `by` leaves out, by process."""
    return f"sum by ({by}, instance, job) ({expr})"


def total(expr: str, by: str = "run, group") -> str:
    """Sum over what `by` leaves out, each run once."""
    return once(summed(expr, by), by)


def median(expr: str, by: str = "run, group") -> str:
    """Median over what `by` leaves out, which processes that tell the same do not move. NaN counts as the lowest."""
    return f"quantile by ({by}) (0.5, {expr})"


def largest(count: int, expr: str) -> str:
    """Of rates and increases those that grew most over the time range, and at all."""
    return f"{expr} and topk({count}, {expr.replace(f'[{_WINDOW}]', AT_THE_END)} > 0)"


def spread(expr: str, by: str = "run, group", legend: str = "{{group}} {{run}}") -> Sequence[Query]:
    """Highest, median and lowest over environments: three lines a group, however many environments there are."""
    return (
        Query(once(expr, by), f"highest {legend}"),
        Query(median(expr, by), f"median {legend}"),
        Query(f"min by ({by}) ({expr})", f"lowest {legend}"),
    )
