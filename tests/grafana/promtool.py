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
_COMPLAINT = re.compile(r"^    (?=\w)", re.MULTILINE)
"""Where promtool begins to say what is wrong; what it says more is indented further."""
_ALERT = re.compile(r"Labels:{.*}\n *Annotations:{.*}")
_AT_ONCE = 30
"""Stories that happen side by side: an evaluation costs little more for them than for one."""


def judge(directory: Path, asked: Sequence[tuple[Groups, Story]]) -> list[str]:
    """What promtool has to say against the rules, story by story: nothing where they do in it what they must.

    All are judged by one process, and those of the same rules and step side by side, each on a host of its own.
    """
    alike: dict[tuple[int, float], list[int]] = {}
    for number in sorted(range(len(asked)), key=lambda number: _end(asked[number][1])):
        groups, story = asked[number]
        alike.setdefault((id(groups), story.step), []).append(number)
    together = [numbers[at : at + _AT_ONCE] for numbers in alike.values() for at in range(0, len(numbers), _AT_ONCE)]
    names = [_file(directory, name, asked, numbers) for name, numbers in enumerate(together)]
    command = ["promtool", "test", "rules", *names]
    # It would collect its garbage hundreds of times.
    frugal = {**os.environ, "GOGC": "400"}
    told = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=frugal, cwd=directory, check=False
    )
    complaints = [""] * len(asked)
    parts = told.stdout.split("Unit Testing: ")[1:]
    for numbers, part in zip(together, parts, strict=True):
        for complaint in filter(str.strip, _COMPLAINT.split(part.partition("FAILED:\n")[2])):
            for number in numbers:
                if _is_of(number, complaint):
                    complaints[number] += complaint
    assert told.returncode != 0 or not any(complaints), told.stdout
    return complaints


def _is_of(number: int, complaint: str) -> bool:
    """By the number in the query, or by what must fire on its host and does not do so, or says something else."""
    if of := re.search(r"#(\d+)\b", complaint):
        return int(of[1]) == number
    wanted, found = (
        [one for one in _ALERT.findall(part) if f'"host{number}:' in one] for part in complaint.split("got:[")
    )
    return bool(wanted) and wanted != found


def _end(story: Story) -> float:
    return max(story.silent + story.fires)


def _file(directory: Path, name: int, asked: Sequence[tuple[Groups, Story]], numbers: Sequence[int]) -> str:
    """Write a file of rules and one of a test of them, in which stories with one step happen side by side."""
    groups, first = asked[numbers[0]]
    (directory / f"rules-{name}.json").write_text(json.dumps({"groups": groups}))
    tests = [_test(number, *asked[number]) for number in numbers]
    document = {
        "rule_files": [f"rules-{name}.json"],
        "evaluation_interval": _time(first.step),
        "group_eval_order": [group["name"] for group in groups],
        "tests": [{part: [one for test in tests for one in test[part]] for part in tests[0]}],
    }
    document["tests"][0]["interval"] = _time(first.step)
    (directory / f"tests-{name}.json").write_text(json.dumps(document))
    return f"tests-{name}.json"


def _test(number: int, groups: Groups, story: Story) -> dict[str, list[Any]]:
    parts = [rule for group in groups for rule in group["rules"]]
    used = " ".join(rule["expr"] for rule in parts)
    (rule,) = (rule for rule in parts if rule.get("alert") == story.alert)
    all_alone = story.fires[:1] or story.silent
    test = {
        "input_series": [
            {"series": _selector(name), "values": _values(line, story.step, _end(story))}
            for name, line in story.lines().items()
            if name.partition("@")[0] in used
        ],
        "alert_rule_test": [_fires(at, story, rule) for at in story.fires[:1]],
        "promql_expr_test": [
            *(_firing(number, at, f', alertname="{story.alert}"', story.alert) for at in story.fires),
            *(_firing(number, at, f', alertname="{story.alert}"') for at in story.silent),
            *(_firing(number, at, "", *([story.alert] if story.fires else [])) for at in all_alone),
            *(_firing(number, at, "") for at in story.silent[:1]),
        ],
    }
    host = f"host{number}"
    moved: dict[str, list[Any]] = json.loads(re.sub(r"\bhost(?=:|%3A)", host, json.dumps(test)))
    return moved


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
    """Which alerts fire of the story's host or of none, and of how many things.

    Of a query, promtool says nothing but the text.
    """
    mine = f'alertstate="firing", instance=~"|{PROCESS["instance"]}"{among}'
    return {
        "expr": f"count by (alertname) (ALERTS{{{mine}}}) #{number}",
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
