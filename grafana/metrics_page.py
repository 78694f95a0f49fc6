"""Every metric as a page of Markdown: type, unit, labels, meaning, and the panels and alerts that use it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nissa.events.vocabulary import STAGES
from nissa.sinks.prometheus import MAX_LABEL_SETS, METRICS, Metric

__all__ = ["metrics_page", "panels", "uses"]

_PERCENTILES = 7
"""How many of a gradient the profile measures that measures most."""

_HEAD = f"""# Metrics

This page lists what `/metrics` exports. `make dashboards` writes it.
The last column names the panels of the dashboards in [grafana/dashboards](../grafana/dashboards), the rules and the
alerts that use a metric.
No panel or alert uses a metric with "reference only". It is there for panels of your own.

- Accuracies and their differences are ratios from 0 to 1: a difference of 0.05 is five points.
- A gauge that was not measured is absent. NaN is a value that was measured and is broken.
- `final` is the network as trained, with all its seeds. `kept` is what remains of it after the episode's end.
  Compare an accuracy only with the growth of the same network.
- Growth has four names. `live` counts the fossils of the network that is trained now; `kept` counts them at the end.
  `final` counts all seeds at the end, and `peak` all seeds at the highest accuracy.
- `nissa_episode_twin_*` and `nissa_baseline_epoch_*` are of the host-only twin at the same epoch as the episode.
  `nissa_baseline_final_*` is of the twin after all its epochs.
- `nissa_verdict` is 0 where the interval between the low and the high end includes 0, and where there is none.
- What is measured every few epochs keeps its values until the episode ends.
  `nissa_measured_epoch` says of which epoch they are.
- An ablation lasts until a seed comes or goes, or the next episode starts.
- A policy's series have the `env` in whose scope it was updated; it is empty for the policy of a group.
- Shares of decisions are of those of which something was told: divide by the counter that ends in `_told_total`.
- `group` and `env` are empty where they do not apply.
- A histogram has `_bucket`, `_sum` and `_count`.
- Read counters with `rate` or `increase`.

Counters begin at 0, so that Prometheus sees their first increase. Their labels decide when:
- Counters without further labels begin when the first episode of the environment starts.
  So do those by stage, gate, action, outcome and alert.
- Counters by blueprint, head or failed check begin then too, if `run_started` names these in its `hyperparameters`.
  `blueprints` and `heads` are lists of names there. `gate_checks` has such a list for each gate.
  Names that are not listed there begin in all environments as soon as one environment has them.
- The counters of a policy's updates begin with an episode of its group, and those of its heads with a decision.
  If each environment has a policy of its own, they begin with its first update.
- Counters of what only some trainers tell begin when it is first told.
  They are what a heuristic would have done, what was carried out or refused, and what masks left.
- The alerts of a policy begin with its first update.

Other series begin with their first value, because nothing announces them: phases and new names.
`nissa_episodes_started_total` does so too, and begins at 1.
If a trainer emits no episodes, all counters of its environments begin that way.

A metric has room for {MAX_LABEL_SETS:,} label sets. `/metrics` leaves out any further ones, and counts them.
The stages of three slots fill it with {MAX_LABEL_SETS // (3 * len(STAGES))} environments, over all groups.
The percentiles of eight layers, where they are measured, fill it with {MAX_LABEL_SETS // (8 * _PERCENTILES)}.

| metric | type | unit | labels | meaning | used by |
|---|---|---|---|---|---|
"""
_NAME = re.compile(r"\bnissa_\w+")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")

Documents = Iterable[Mapping[str, Any]]


def metrics_page(dashboards: Sequence[Mapping[str, Any]], groups: Documents) -> str:
    """The page, from the dashboards as Grafana's JSON and the groups of alert rules."""
    used = uses(dashboards, groups)
    return _HEAD + "".join(_row(metric, used.get(metric.name, [])) for metric in METRICS.values())


def panels(dashboard: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The panels of a dashboard, without its rows."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def _row(metric: Metric, uses: Sequence[str]) -> str:
    labels = ", ".join(metric.labels)
    used = ", ".join(dict.fromkeys(uses)) or "reference only"
    return f"| `{metric.name}` | {metric.type} | {metric.unit} | {labels} | {metric.help} | {used} |\n"


def uses(dashboards: Documents, groups: Documents) -> dict[str, list[str]]:
    """Who names a metric, by its name."""
    found: dict[str, list[str]] = {}
    for user, expr in (*_shown(dashboards), *_ruled(groups)):
        for name in _NAME.findall(expr):
            known = name if name in METRICS else _SUFFIX.sub("", name)
            found.setdefault(known, []).append(user)
    return found


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
