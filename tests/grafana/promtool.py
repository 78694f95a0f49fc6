"""Tells stories to `promtool test rules`, Prometheus' own judge of rules."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.grafana.leads import url
from tests.grafana.story import ENV, GROUP, PROCESS, RUN, Line, Story

__all__ = ["Groups", "judge"]

Groups = Sequence[Mapping[str, Any]]
"""Rules as in a file of rules."""
_PLACES = {"PROCESS": PROCESS, "RUN": RUN, "GROUP": GROUP, "ENV": ENV}
_COMPLAINT = re.compile(r"^    (?!alertname:)(?=\w)", re.MULTILINE)
"""Where promtool begins to say what is wrong; what it says more is indented further."""


def judge(directory: Path, asked: Sequence[tuple[Groups, Story]]) -> list[str]:
    """What promtool has to say against the rules, story by story: nothing where they do in it what they must.

    All are judged by one process. A complaint bears the number of its story; one that has none is of its whole file.
    """
    files: dict[tuple[int, float], list[int]] = {}
    for number, (groups, story) in enumerate(asked):
        files.setdefault((id(groups), story.step), []).append(number)
    names = [_file(directory, name, asked, numbers) for name, numbers in enumerate(files.values())]
    command = ["promtool", "test", "rules", *names]
    # It would collect its garbage hundreds of times.
    frugal = {**os.environ, "GOGC": "400"}
    told = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=frugal, cwd=directory, check=False
    )
    complaints = [""] * len(asked)
    parts = told.stdout.split("Unit Testing: ")[1:]
    for numbers, part in zip(files.values(), parts, strict=True):
        for complaint in filter(str.strip, _COMPLAINT.split(part.partition("FAILED:\n")[2])):
            of = re.search(r"#(\d+)\b", complaint)
            for number in [int(of[1])] if of else numbers:
                complaints[number] += complaint
    assert any(complaints) == (told.returncode != 0), told.stdout
    return complaints


def _file(directory: Path, name: int, asked: Sequence[tuple[Groups, Story]], numbers: Sequence[int]) -> str:
    """Write a file of rules and one of tests of them, which have one step from scrape to scrape."""
    groups, first = asked[numbers[0]]
    (directory / f"rules-{name}.json").write_text(json.dumps({"groups": groups}))
    document = {
        "rule_files": [f"rules-{name}.json"],
        "evaluation_interval": _time(first.step),
        "group_eval_order": [group["name"] for group in groups],
        "tests": [_test(number, *asked[number]) for number in numbers],
    }
    (directory / f"tests-{name}.json").write_text(json.dumps(document))
    return f"tests-{name}.json"


def _test(number: int, groups: Groups, story: Story) -> dict[str, Any]:
    parts = [rule for group in groups for rule in group["rules"]]
    used = " ".join(rule["expr"] for rule in parts)
    (rule,) = (rule for rule in parts if rule.get("alert") == story.alert)
    lines, end = story.lines(), max(story.silent + story.fires)
    return {
        "name": f"#{number} {story.alert}: {story.name}",
        "interval": _time(story.step),
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
            *(_firing(number, at, f', alertname="{story.alert}"', story.alert) for at in story.fires),
            *(_firing(number, at, "", story.alert) for at in story.fires[:1]),
            *(_firing(number, at, "") for at in (story.silent if not story.fires else story.silent[:1])),
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


def _firing(number: int, at: float, among: str, *alerts: str) -> dict[str, Any]:
    """Which alerts fire, and of how many things. Of a query, promtool says nothing but the text."""
    return {
        "expr": f'count by (alertname) (ALERTS{{alertstate="firing"{among}}}) #{number}',
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
