"""What does a panel ask? PromQL that is limited to what the reader chose in the dashboard's variables.

>>> of("nissa_growth_ratio")
'nissa_growth_ratio{run=~"$run", group=~"$group", env=~"$env"}'
>>> of("nissa_alert_active", env="$env|", alert="kl_spike")
'nissa_alert_active{run=~"$run", group=~"$group", env=~"$env|", alert=~"kl_spike"}'
>>> of("nissa_scrapes_total")
'nissa_scrapes_total{instance=~"$instance"}'
"""

from collections.abc import Sequence
from typing import NamedTuple

from nissa.sinks.metrics import METRICS

__all__ = ["SCOPE", "Query", "increase", "of", "rate", "spread"]

SCOPE = ("run", "group", "env", "blueprint")
"""Labels that have a variable of the same name. What has none of them is the process's, and has the scrape's."""

_WINDOW = "$__rate_interval"


class Query(NamedTuple):
    """One query of a panel."""

    expr: str
    """PromQL."""
    legend: str
    """Name of a series, with labels as in `{{env}}`."""


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


def spread(expr: str, by: str = "run, group", legend: str = "{{run}} {{group}}") -> Sequence[Query]:
    """Highest, median and lowest over environments: three lines a group, however many environments there are."""
    return (
        Query(f"max by ({by}) ({expr})", f"highest {legend}"),
        Query(f"quantile by ({by}) (0.5, {expr})", f"median {legend}"),
        Query(f"min by ({by}) ({expr})", f"lowest {legend}"),
    )
