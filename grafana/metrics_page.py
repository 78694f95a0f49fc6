"""Every metric as a page of Markdown: type, unit, labels, meaning, and the panels and alerts that use it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nissa.sinks.declare import Metric
from nissa.sinks.metrics import METRICS

__all__ = ["metrics_page", "panels"]

_HEAD = """# Metrics

What `/metrics` exports, and which panels of the dashboards in [grafana/dashboards](../grafana/dashboards) and which
alerts use it. `make dashboards` writes this page. What no panel and no alert uses is for reference, and for panels of
your own.

Accuracies are ratios from 0 to 1, and so are differences of them: 0.05 is five points. A gauge that was not measured is
absent, and NaN is a value that was measured and is broken. Counters begin at 0 with the first episode; read them with
`rate` or `increase`. `group` and `env` are empty where they do not apply. A histogram has `_bucket`, `_sum`, `_count`.

| metric | type | unit | labels | meaning | used by |
|---|---|---|---|---|---|
"""
_NAME = re.compile(r"\bnissa_\w+")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")

Documents = Iterable[Mapping[str, Any]]


def metrics_page(dashboards: Sequence[Mapping[str, Any]], groups: Documents) -> str:
    """The page, from the dashboards as Grafana's JSON and the groups of alert rules."""
    uses = _uses(dashboards, groups)
    return _HEAD + "".join(_row(metric, uses.get(metric.name, [])) for metric in METRICS.values())


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard, without its rows."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def _row(metric: Metric, uses: Sequence[str]) -> str:
    labels = ", ".join(metric.labels)
    used = ", ".join(dict.fromkeys(uses)) or "reference only"
    return f"| `{metric.name}` | {metric.type} | {metric.unit} | {labels} | {metric.help} | {used} |\n"


def _uses(dashboards: Documents, groups: Documents) -> dict[str, list[str]]:
    """Who names a metric, by its name."""
    uses: dict[str, list[str]] = {}
    for user, expr in (*_shown(dashboards), *_ruled(groups)):
        for name in _NAME.findall(expr):
            known = name if name in METRICS else _SUFFIX.sub("", name)
            uses.setdefault(known, []).append(user)
    return uses


def _shown(dashboards: Documents) -> Iterator[tuple[str, str]]:
    """Panels, variables and marks, the latter once, because all dashboards have the same."""
    for board in dashboards:
        title = board["title"].removeprefix("Nissa ")
        for panel in panels(board):
            yield f"{title}: {panel['title']}", json.dumps([target["expr"] for target in panel["targets"]])
    for board in dashboards:
        yield "variables", json.dumps(board["templating"])
        yield "marks", json.dumps(board["annotations"])


def _ruled(groups: Documents) -> Iterator[tuple[str, str]]:
    for group in groups:
        for rule in group["rules"]:
            yield (f"alert {rule['alert']}" if "alert" in rule else f"rule `{rule['record']}`"), rule["expr"]
