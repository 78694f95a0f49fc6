"""Tells a story to `promtool test rules`, Prometheus' own judge of rules."""

import json
import subprocess
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.grafana.leads import url
from tests.grafana.story import ENV, GROUP, PROCESS, RUN, Line, Story

__all__ = ["judge"]

_PLACES = {"PROCESS": PROCESS, "RUN": RUN, "GROUP": GROUP, "ENV": ENV}


def judge(directory: Path, rules: Mapping[str, Any], story: Story) -> str:
    """What promtool has to say against the rules: nothing where they do in the story what they must."""
    parts = [rule for group in rules["groups"] for rule in group["rules"]]
    used = " ".join(rule["expr"] for rule in parts)
    (rule,) = (rule for rule in parts if rule.get("alert") == story.alert)
    (directory / "rules.json").write_text(json.dumps(rules))
    asked = {
        "rule_files": ["rules.json"],
        "evaluation_interval": f"{story.step * 60:.0f}s",
        "group_eval_order": [group["name"] for group in rules["groups"]],
        "tests": [_test(story, rule, used)],
    }
    (directory / "tests.json").write_text(json.dumps(asked))
    done = subprocess.run(
        ["promtool", "test", "rules", directory / "tests.json"], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _test(story: Story, rule: Mapping[str, Any], used: str) -> dict[str, Any]:
    lines, end = story.lines(), max(story.silent + story.fires)
    return {
        "name": f"{story.alert}: {story.name}",
        "interval": f"{story.step * 60:.0f}s",
        "input_series": [
            {"series": _selector(name), "values": _values(line, story.step, end)}
            for name, line in lines.items()
            if name.partition("@")[0] in used
        ],
        "alert_rule_test": [
            *({"eval_time": _time(at), "alertname": story.alert, "exp_alerts": []} for at in story.silent),
            *(_fires(at, story, rule) for at in story.fires[:1]),
        ],
        "promql_expr_test": [
            *(_firing(at, f', alertname="{story.alert}"', story.alert) for at in story.fires),
            *(_firing(at, "", story.alert) for at in story.fires[:1]),
            *(_firing(at, "") for at in (story.silent if not story.fires else story.silent[:1])),
        ],
    }


def _fires(at: float, story: Story, rule: Mapping[str, Any]) -> dict[str, Any]:
    told = {"description": story.description, "dashboard_url": url(story.alert, story.labels)}
    texts = {**rule["annotations"], **told}
    labels = {**story.labels, "severity": rule["labels"]["severity"]}
    return {
        "eval_time": _time(at),
        "alertname": story.alert,
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": texts}],
    }


def _firing(at: float, among: str, *alerts: str) -> dict[str, Any]:
    """Which alerts fire, and of how many things."""
    return {
        "expr": f'count by (alertname) (ALERTS{{alertstate="firing"{among}}})',
        "eval_time": _time(at),
        "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in alerts],
    }


def _selector(name: str) -> str:
    """`metric@PLACE,label=value` as Prometheus writes it."""
    metric, _, place = name.partition("@")
    first, *others = place.split(",")
    labels = {**_PLACES[first], **dict(other.split("=") for other in others)}
    return metric + "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def _values(line: Line, step: float, end: float) -> str:
    """One value for each scrape. Where a series ends, Prometheus marks it stale."""
    values = [line(step * scrape) for scrape in range(int(end / step) + 2)]
    gone = (("_" if before is None else "stale") for before, _ in pairwise([None, *values]))
    return " ".join(absent if value is None else repr(float(value)) for value, absent in zip(values, gone, strict=True))


def _time(minutes: float) -> str:
    return f"{minutes * 60:.0f}s"
