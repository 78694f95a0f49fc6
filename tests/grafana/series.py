"""Which series may a dashboard ask for, and how must it limit them to what the reader chose?"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from nissa.events.vocabulary import LEARNING, STAGES
from nissa.sinks.prometheus.catalog import METRICS
from nissa.sinks.prometheus.metric import Metric
from tests.grafana.rules import ALERTS

__all__ = ["CHOSEN", "OF_ALL", "SCRAPED", "known", "misread"]

SCRAPED = {"instance", "job"}
CHOSEN = ("run", "group", "env", "blueprint")
"""Labels that have a variable of the same name, by which whatever has the label is limited."""
_OF_POLICY_TOO = {
    *("nissa_alerts_total", "nissa_alerts_resolved_total", "nissa_alert_active", "nissa_traces_total"),
    *(name for name in METRICS if name.startswith("nissa_policy_")),
    *(f"nissa_head_{name}" for name in ("entropy_nats_total", "log_valid_nats_total", "decisions_total")),
    "nissa_head_mean_policy_entropy_nats",
}
"""They have series without an environment, which stay when one is chosen."""
_OF_SEEDS = ("seeds_germinated", "seeds_fossilized", "seeds_culled", "parameters_added")
OF_ALL = {
    **{name: {"group", "env"} for name in ("nissa_episodes_total", "nissa_epochs_total")},
    **{f"nissa_{name}_total": {"env"} for name in _OF_SEEDS},
}
"""Labels by which a metric need not be limited, beside what has no such label: a share would be of something else."""
_DETECTORS = (Path(__file__).parents[2] / "docs" / "detectors.md").read_text()
_VALUES: Mapping[str, frozenset[str]] = {
    "severity": frozenset({"critical", "warning", "info"}),
    "stage": frozenset(STAGES),
    "state": frozenset(LEARNING),
    "alert": frozenset(re.findall(r"^\| `(\w+)` \| (?:info|warning|critical)", _DETECTORS, re.MULTILINE)),
    "alertstate": frozenset({"firing"}),
    "percentile": frozenset({"p1", "p5", "p25", "p50", "p75", "p95", "p99"}),
}
"""Values that a label may have."""
_RULED = ("alertname", "alertstate", "severity", "run", "group", "env", "gate", "alert", "sink", "component")
_ALERTS = Metric("ALERTS", "gauge", "Prometheus' own account of alerts.", "alerts", _RULED)


@cache
def known(name: str) -> Metric | None:
    """What is exported under a name, a part of a histogram too; None if nothing is."""
    if name == "ALERTS":
        return _ALERTS
    base, suffix = re.fullmatch(r"(.*?)(_bucket|_sum|_count)?", name).groups()  # type: ignore[union-attr]
    if suffix and base in METRICS and METRICS[base].type == "histogram":
        metric = METRICS[base]
        unit = {"_bucket": f"bucket of {metric.unit}", "_count": "observations"}.get(suffix, metric.unit)
        labels = (*metric.labels, *(("le",) if suffix == "_bucket" else ()))
        return metric._replace(type="counter", unit=unit, labels=labels)
    return METRICS.get(name)


def misread(metric: Metric, matchers: Mapping[str, tuple[str, str]], of_environments: bool = False) -> list[str]:
    """What is wrong with the matchers (operator, value) by label that a metric is asked for by.

    `of_environments` is whether what has no environment is left out, too.
    """
    labels = {*metric.labels, *SCRAPED}
    found = [f"{metric.name} has no label {label}" for label in sorted(matchers.keys() - labels)]
    chosen = [label for label in CHOSEN if label in labels] or ["instance"]
    found += [f"{metric.name} ignores the variable {label}" for label in chosen if label not in matchers]
    if metric is _ALERTS:
        found += [f"ALERTS of any {label}" for label in ("alertname", "alertstate") if label not in matchers]
    if "percentile" in labels - matchers.keys():
        found.append(f"{metric.name} at all percentiles")
    for label, (operator, value) in matchers.items():
        if label in (*CHOSEN, "instance"):
            wide = metric is _ALERTS or (label == "env" and metric.name in _OF_POLICY_TOO and not of_environments)
            whole = (operator, value) == ("=~", ".*") and label in OF_ALL.get(metric.name, ())
            if not whole and (operator, value) != ("=~", f"${label}|" if wide else f"${label}"):
                found.append(f'{metric.name} is limited by {label}{operator}"{value}"')
        elif not _may_be(label, operator, value):
            found.append(f'{metric.name} never has {label}{operator}"{value}"')
    return found


def _may_be(label: str, operator: str, value: str) -> bool:
    """Whether a label may have the values by which it is limited."""
    if label == "alertname":
        return operator == "=~" and all(re.fullmatch(value, alert) for alert in ALERTS)
    return operator in {"=", "=~"} and set(value.split("|")) <= _VALUES.get(label, frozenset())
