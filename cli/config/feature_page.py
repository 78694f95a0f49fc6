"""All features of some profiles as a page of Markdown: place in the vector, name, unit, source, meaning."""

from collections.abc import Iterable, Mapping, Sequence

from nissa.operators.features import TABLE, Feature

__all__ = ["feature_page"]

_HEAD = """# Features

What `FeaturesComputed` holds after each epoch of the demo's host (4 layers, 3 slots, 10 classes), by profile: the
number of a feature is its place in the vector, counted from 0. `nissa features --markdown` prints this page, and with
`--profile`, `--config` or `--set` that of another configuration. A value that was not measured in an epoch is missing
(None), one that is broken is NaN. Layers, slots, classes and percentiles are part of the names; those of seeds come
and go, and have no features of their own.

"""


def feature_page(columns: Mapping[str, Mapping[str, tuple[str, Feature]]]) -> str:
    """The page, from group and row of the table by feature, in order, by profile."""
    every = {name: found for features in _longest_first(columns.values()) for name, found in features.items()}
    places = [{name: str(place) for place, name in enumerate(features)} for features in columns.values()]
    page = _HEAD + _counts(columns)
    for group in [group for group, _ in TABLE]:
        rows = [(name, row) for name, (own, row) in every.items() if own == group]
        if rows:
            head = ["feature", "unit", "source", "meaning", *columns]
            cells = ([*_described(name, row), *(place.get(name, "") for place in places)] for name, row in rows)
            page += f"\n## {group}\n\n{_table(head, cells)}"
    return page


def _counts(columns: Mapping[str, Mapping[str, tuple[str, Feature]]]) -> str:
    """How many features each profile has, by group."""
    groups = {profile: [group for group, _ in features.values()] for profile, features in columns.items()}
    names = [group for group, _ in TABLE if any(group in own for own in groups.values())]
    rows = [[name, *(str(own.count(name)) for own in groups.values())] for name in names]
    return _table(["group", *columns], [*rows, ["**all**", *(f"**{len(own)}**" for own in groups.values())]])


def _longest_first(columns: Iterable[Mapping[str, tuple[str, Feature]]]) -> list[Mapping[str, tuple[str, Feature]]]:
    return sorted(columns, key=len, reverse=True)


def _described(name: str, row: Feature) -> list[str]:
    return [f"`{name}`", row.unit, f"`{row.source}`", row.meaning]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))
