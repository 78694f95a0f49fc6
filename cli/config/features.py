"""`nissa features`: the configuration in force, and the features that it gives for the demo's host, before training."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from nissa.cli.config.demo_host import CLASSES, SLOTS, watched_layers
from nissa.cli.config.profile import add_options, chosen
from nissa.operators.features import TABLE, Feature, described
from nissa.pipeline.config import TelemetryConfig, load, planned, profile_names

__all__ = ["add"]

Features = Mapping[str, tuple[str, Feature]]
"""Group and row of the table by name, in the order of the vector."""

_HEAD = """# Features

`FeaturesComputed` holds these features after each epoch.
The tables are for the demo's host, which has 4 layers, 3 slots and 10 classes.
The number in a profile's column is the feature's place in the vector, counted from 0.

`nissa features --markdown` prints this page.
With `--profile`, `--config` or `--set` it prints the page of another configuration.

A value that was not measured in an epoch is missing (None). A broken value is NaN.
Names of features contain layers, slots, classes and percentiles.
The layers of seeds come and go, so they have no features of their own.

"""


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("features", help="show what would be measured, and how many features it gives")
    add_options(parser)
    parser.add_argument("--markdown", action="store_true", help="print every feature, with unit, source and meaning")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    config = chosen(arguments)
    own = arguments.profile or arguments.config or arguments.set
    configs = [config] if own else [load(name) for name in profile_names()]
    if arguments.markdown:
        sys.stdout.write(_page({config.profile_name: _features(config) for config in configs}))
    else:
        sys.stdout.write(_summary(planned(config)))
    return 0


def _features(config: TelemetryConfig) -> Features:
    found = described(planned(config).model_dump(), watched_layers(config), SLOTS, CLASSES)
    return {name: (group, row) for group, name, row in found}


def _summary(config: TelemetryConfig) -> str:
    """The configuration as YAML that `--config` takes, and the counts as comments."""
    counts = _counts(_features(config))
    text: str = yaml.safe_dump(config.model_dump(), sort_keys=False, default_flow_style=None, width=120)
    lines = [f"#   {group}: {count}" for group, count in counts.items()]
    return "\n".join([f"{text}\n# Features of the demo's host: {sum(counts.values())}", *lines, ""])


def _counts(features: Features) -> dict[str, int]:
    """Features by group."""
    groups = [group for group, _ in features.values()]
    return {group: groups.count(group) for group in dict.fromkeys(groups)}


def _page(columns: Mapping[str, Features]) -> str:
    """All features of some profiles as Markdown: place in the vector, name, unit, source, meaning."""
    every = {name: found for features in _longest_first(columns.values()) for name, found in features.items()}
    places = [{name: str(place) for place, name in enumerate(features)} for features in columns.values()]
    page = _HEAD + _totals(columns)
    for group in [group for group, _ in TABLE]:
        rows = [(name, row) for name, (own, row) in every.items() if own == group]
        if rows:
            head = ["feature", "unit", "source", "meaning", *columns]
            cells = ([*_described(name, row), *(place.get(name, "") for place in places)] for name, row in rows)
            page += f"\n## {group}\n\n{_table(head, cells)}"
    return page


def _totals(columns: Mapping[str, Features]) -> str:
    """How many features each profile has, by group."""
    groups = {profile: [group for group, _ in features.values()] for profile, features in columns.items()}
    names = [group for group, _ in TABLE if any(group in own for own in groups.values())]
    rows = [[name, *(str(own.count(name)) for own in groups.values())] for name in names]
    return _table(["group", *columns], [*rows, ["**all**", *(f"**{len(own)}**" for own in groups.values())]])


def _longest_first(columns: Iterable[Features]) -> list[Features]:
    return sorted(columns, key=len, reverse=True)


def _described(name: str, row: Feature) -> list[str]:
    return [f"`{name}`", row.unit, f"`{row.source}`", row.meaning]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))
