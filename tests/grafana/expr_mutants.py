"""Expressions and legends of dashboards that are wrong in one place."""

import re
from collections.abc import Iterator
from zlib import crc32

from nissa.sinks.prometheus.catalog import METRICS
from tests.grafana.gone import also_gone, plain

__all__ = ["exprs", "legends"]

Mutant = tuple[str, str]
"""What was done, and the text to which it was done."""
_METRIC = re.compile(r"\bnissa_\w+|\bALERTS\b")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"(, )?')
_GROUPING = re.compile(r"\bby \(([^)]*)\)")
_GROWTH = re.compile(r"\b(rate|increase)\((\w+\{[^}]*\})\[\$__rate_interval\]\)")
_SELECTOR = re.compile(r"(\w+)\{[^}]*\}(?!\[)")
OTHERS = 4
"""Other metrics that are tried in the place of each."""


def exprs(text: str) -> Iterator[Mutant]:
    """The expression with one thing wrong; of what is gone the same, and then another."""
    if (bare := plain(text)) != text:
        yield from ((kind, also_gone(wrong, text)) for kind, wrong in _exprs(bare))
        yield from ((f"{kind} on one side", wrong) for kind, wrong in _exprs(text))
    else:
        yield from _exprs(text)


def _exprs(text: str) -> Iterator[Mutant]:
    for found in _METRIC.finditer(text):
        yield "metric misspelt", _with(text, found, f"{found[0]}s")
        yield from (("another metric", _with(text, found, other)) for other in _others(text, found))
    for found in _MATCHER.finditer(text):
        yield from ((kind, _with(text, found, wrong)) for kind, wrong in _matchers(found))
    for found in _GROUPING.finditer(text):
        yield from ((kind, _with(text, found, f"by ({wrong})")) for kind, wrong in _groupings(found[1].split(", ")))
    for found in _GROWTH.finditer(text):
        swapped = "rate" if found[1] == "increase" else "increase"
        yield f"{found[1]} lost", _with(text, found, found[2])
        yield f"{found[1]} as {swapped}", _with(text, found, found[0].replace(found[1], swapped, 1))
        yield "window", _with(text, found, found[0].replace("$__rate_interval", "5m"))
    for found in _SELECTOR.finditer(text):
        if found[1] in METRICS and METRICS[found[1]].type == "gauge":
            yield "rate of a gauge", _with(text, found, f"rate({found[0]}[$__rate_interval])")
    if "(" in text:
        yield "syntax", text.replace("(", "((", 1)


def legends(text: str) -> Iterator[Mutant]:
    """The legend with one label wrong."""
    for found in re.finditer(r"{{(\w+)}}", text):
        yield "legend: label misspelt", _with(text, found, f"{{{{{found[1]}s}}}}")
        yield "legend: another label", _with(text, found, "{{percentile}}" if found[1] != "percentile" else "{{slot}}")
        yield "legend: label lost", _with(text, found, "")
    if "{{run}}" in text and " " in text:
        yield "legend: turned", " ".join(reversed(text.split(" ")))


def _with(text: str, found: re.Match[str], wrong: str) -> str:
    return text[: found.start()] + wrong + text[found.end() :]


def _others(text: str, found: re.Match[str]) -> list[str]:
    """Some of the metrics that have other labels, others in each place, and the same ones whatever else is exported."""
    name = re.sub(r"_(bucket|sum|count)$", "", found[0])
    own = METRICS[name].labels if name in METRICS else ()
    others = [metric.name for metric in METRICS.values() if metric.labels != own]
    return sorted(others, key=lambda other: crc32(f"{text} {found.start()} {other}".encode()))[:OTHERS]


def _matchers(found: re.Match[str]) -> Iterator[Mutant]:
    label, sign, value, more = found.groups(default="")
    yield "matcher lost", ""
    yield "matcher's label", f'{"slot" if label != "slot" else "gate"}{sign}"{value}"{more}'
    yield "matcher's sense", f'{label}!~"{value}"{more}'
    wrong = {"$run": "$group", "$group": "$env", "$env": "$run", "$env|": "$env"}.get(value, "other")
    yield "matcher's value", f'{label}{sign}"{wrong}"{more}'
    if "$" in value:
        yield "variable misspelt", f'{label}{sign}"{value.replace("$", "$x")}"{more}'
    if value == ".*":
        yield "variable narrowed", f'{label}{sign}"${label}"{more}'
    if value == "$env":
        yield "variable widened", f'{label}{sign}"$env|"{more}'


def _groupings(labels: list[str]) -> Iterator[Mutant]:
    for n, label in enumerate(labels):
        rest = [*labels[:n], *labels[n + 1 :]]
        yield "grouping lost", ", ".join(rest)
        yield "grouping's label", ", ".join([*rest, "profile" if label != "profile" else "slot"])
    if "env" not in labels:
        yield "grouping more", ", ".join([*labels, "env"])
