"""Rules that are wrong in one place: a metric, a value of a label, a number, a duration, or what they wait."""

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["mutants"]

Rule = dict[str, Any]
_DURATION = r"(?<=\[)\d+[smh](?=\])|(?<=offset )\d+[smh]"
_NUMBER = r"(?<=[<>=*-] )\d+(?:\.\d+)?(?!\S)"
_VALUE = r'(?<=[=~]")[^"]+(?=")'
_METRIC = r"\b(?:nissa_\w+|\w+:\w+:\w+|up)\b"


def mutants(rule: Rule) -> Iterator[Rule]:
    """The rule with one thing wrong, in all ways of this module."""
    for pattern, wrong in ((_DURATION, _stretched), (_NUMBER, _moved), (_VALUE, _other), (_METRIC, _misspelt)):
        for found in re.finditer(pattern, rule["expr"]):
            for text in wrong(found[0]):
                yield {**rule, "expr": rule["expr"][: found.start()] + text + rule["expr"][found.end() :]}
    if "for" in rule:
        yield from ({**rule, "for": wait} for wait in _stretched(rule["for"]))


def _stretched(duration: str) -> Iterator[str]:
    """Half and twice as long; 0s is not longer by itself."""
    seconds = int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]
    yield from (f"{seconds // 2}s", f"{seconds * 2}s") if seconds else ("30s",)


def _moved(number: str) -> Iterator[str]:
    """A limit that is too low and one that is too high: by one for a small count, else by a fifth or a quarter."""
    value = float(number)
    small = value < 30 and value.is_integer()
    yield from map(repr, (value - 1, value + (1 if value else 2)) if small else (value * 0.8, value * 1.25))


def _other(_: str) -> Iterator[str]:
    yield "other"


def _misspelt(name: str) -> Iterator[str]:
    yield f"{name}s"
