"""Which colour and stroke has a series? Grafana's, by its place, unless what its name says has a colour of its own.

Blueprints, stages and severities have. Where a legend says no more than group and run, groups have, too, and runs
are shades of it. Groups differ in their dashes as well, and so do words, as in `grown {{group}} {{run}}`, which go
before. The highest and the lowest are thin, with the median between them. Grafana's colours by name would repeat: of
eight kinds of event, four were nearly white.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, FieldColorModeId

from nissa.grafana.panels.palette import NAMED
from nissa.grafana.promql import Query

__all__ = ["SCOPE", "labels_of", "overrides"]

SCOPE = {"run", "group", "env", "instance"}
"""Labels that say whose a series is, and not what."""
_ENDS = ("highest", "lowest")
_GROUPS = {"heuristic": [12, 4], "never": [4, 8]}
"""Dashes of groups, in pixels of line and gap; others have none."""
_WORDS = ([4, 4], [10, 4, 2, 4])
"""Dashes of words after the first."""

Rule = tuple[str, list[DynamicConfigValue]]
"""A regular expression of names, and what such series have."""


def labels_of(queries: Sequence[Query]) -> set[str]:
    """Labels that the legends of a panel name.

    >>> sorted(labels_of([Query("x", "highest {{slot}} {{run}}"), Query("y", "lowest {{slot}} {{run}}")]))
    ['run', 'slot']
    """
    return {label for query in queries for label in re.findall(r"{{(\w+)}}", query.legend)}


def overrides(queries: Sequence[Query], dashed: bool) -> Iterator[Rule]:
    """Rules for these queries' series, of which the last that matches counts; only lines can be `dashed`."""
    labels = labels_of(queries)
    for label in labels & NAMED.keys() - SCOPE:
        yield from (_rule(value, color=_color(FieldColorModeId.FIXED, color)) for value, color in NAMED[label].items())
    words = list(dict.fromkeys(re.sub(r" ?{{\w+}}", "", query.legend) for query in queries))
    for group, color in NAMED["group"].items() if "group" in labels else ():
        hue = {} if labels - SCOPE else {"color": _color(FieldColorModeId.SHADES, color)}
        dash = _dash(_GROUPS[group]) if dashed and group in _GROUPS else {}
        if hue or dash:
            yield _rule(group, **hue, **dash)
    if not dashed:
        return
    if words[0] in _ENDS:
        yield _rule(f"({'|'.join(_ENDS)})", custom_lineWidth=1)
    else:
        yield from (_rule(word, **_dash(dash)) for word, dash in zip(words[1:], _WORDS, strict=False))


def _rule(name: str, **properties: Any) -> Rule:
    values = [DynamicConfigValue(name.replace("_", "."), value) for name, value in properties.items()]
    return f"/(^| ){name}( |$)/", values


def _color(mode: FieldColorModeId, color: str) -> dict[str, str]:
    return {"mode": mode, "fixedColor": color}


def _dash(dash: Sequence[int]) -> dict[str, Any]:
    return {"custom_lineStyle": {"fill": "dash", "dash": list(dash)}}
