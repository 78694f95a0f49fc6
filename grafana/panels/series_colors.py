"""Which colour and which stroke has each series? By its name, which a legend makes of words and labels.

What a label beyond run and group says gives the colour, else the run does, so that two runs of a group differ. Groups
differ in their dashes, and so do words, as in `grown {{group}} {{run}}` and `host-only {{group}} {{run}}`.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from nissa.grafana.panels.palette import ALL, NAMED, by_last_character, by_name
from nissa.grafana.promql import Query

__all__ = ["SCOPE", "coloring", "dashing", "deciding"]

SCOPE = ("{{run}}", "{{group}}", "{{instance}}")
"""Labels that give the colour only if there is no other, the first before the next."""
_GROUPS = {"heuristic": [12, 4], "never": [4, 8]}
"""Dashes of groups, in pixels of line and gap; others have none."""
_ENDS, _OTHERS = [4, 4], ([10, 4, 2, 4], [8, 8])
"""Dashes of the highest and the lowest, and of words after the first."""

Rule = tuple[str, list[DynamicConfigValue]]
"""A regular expression of names, and what such series have."""


def deciding(legend: str) -> tuple[int, str]:
    """The word of a legend that gives the colour, with its place.

    >>> deciding("highest {{slot}} {{group}} {{run}}")
    (1, '{{slot}}')
    >>> deciding("{{group}} {{run}}")
    (1, '{{run}}')
    """
    words = legend.split(" ")
    labels = [word for word in words if word.startswith("{{")]
    others = [word for word in labels if word not in SCOPE]
    word = others[-1] if others else next((word for word in SCOPE if word in labels), words[-1])
    return words.index(word), word


def coloring(queries: Sequence[Query]) -> list[Rule]:
    """Rules for the colours of these queries' series; the last that matches counts."""
    places = dict.fromkeys(deciding(query.legend) for query in queries)
    rules = [rule for place, word in places if word.startswith("{{") for rule in _of_label(place, word)]
    words = [word for _, word in places if not word.startswith("{{")]
    rules += [(_among([word]), color) for word, color in zip(words, cycle(ALL), strict=False)]
    return [(f"/{name}/", [_color(color)]) for name, color in rules]


def _of_label(place: int, word: str) -> Iterator[tuple[str, str]]:
    before = f"^(\\S* ){{{place}}}"
    endings = by_last_character() if word in SCOPE else by_name()
    yield from ((f"{before}{ending}( |$)", color) for ending, color in endings)
    known = NAMED.get(word.strip("{}"), {})
    for color in dict.fromkeys(known.values()):
        yield f"{before}({'|'.join(value for value, its in known.items() if its == color)})( |$)", color


def dashing(queries: Sequence[Query]) -> list[Rule]:
    """Rules for the strokes of lines: the highest and the lowest are thin."""
    legends = [query.legend for query in queries if "{{" in query.legend]
    words = list(dict.fromkeys(word for legend in legends for word in legend.split(" ") if not word.startswith("{{")))
    grouped = any("{{group}}" in legend and deciding(legend)[1] != "{{group}}" for legend in legends)
    groups = {"": [], **(_GROUPS if grouped else {})}
    rules = [_stroke([[group]], dash) for group, dash in groups.items() if group]
    for named, dash in _roles(words):
        thin = [DynamicConfigValue("custom.lineWidth", 1)] if dash == _ENDS else []
        for group, before in groups.items():
            name, stroke = _stroke([named, [group]] if group else [named], [*before, *dash])
            rules.append((name, [*thin, *stroke]))
    return rules


def _roles(words: Sequence[str]) -> Iterator[tuple[list[str], list[int]]]:
    """Words that have dashes; the first, or the median, has none."""
    ends = [word for word in words if word in {"highest", "lowest"}]
    rest = [word for word in words if word not in {*ends, "median"}]
    if ends:
        yield ends, _ENDS
    yield from (([word], dash) for word, dash in zip(rest if ends else rest[1:], cycle(_OTHERS), strict=False))


def _stroke(told: Sequence[Sequence[str]], dash: Sequence[int]) -> Rule:
    name = _among(told[0]) if len(told) == 1 else "^" + "".join(f"(?=.*{_among(names)})" for names in told)
    return f"/{name}/", [DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": list(dash)})]


def _among(names: Sequence[str]) -> str:
    return f"(^| )({'|'.join(names)})( |$)"


def _color(color: str) -> DynamicConfigValue:
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})
