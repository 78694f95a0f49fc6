"""`nissa features`: the configuration in force, and the features that it gives for the demo's host, before training."""

import argparse
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from nissa.cli.config.demo_host import CLASSES, SLOTS, watched_layers
from nissa.cli.config.feature_page import feature_page
from nissa.cli.config.profile import add_options, chosen
from nissa.operators.features import Feature, described
from nissa.pipeline.config import TelemetryConfig, load, planned, profile_names

__all__ = ["add"]


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
        sys.stdout.write(feature_page({config.profile_name: _features(config) for config in configs}))
    else:
        sys.stdout.write(_summary(planned(config)))
    return 0


def _features(config: TelemetryConfig) -> dict[str, tuple[str, Feature]]:
    """Group and row of the table by name, in the order of the vector."""
    found = described(planned(config).model_dump(), watched_layers(config), SLOTS, CLASSES)
    return {name: (group, row) for group, name, row in found}


def _summary(config: TelemetryConfig) -> str:
    """The configuration as YAML that `--config` takes, and the counts as comments."""
    counts = _counts(_features(config))
    text: str = yaml.safe_dump(config.model_dump(), sort_keys=False, default_flow_style=None, width=120)
    lines = [f"#   {group}: {count}" for group, count in counts.items()]
    return "\n".join([f"{text}\n# Features of the demo's host: {sum(counts.values())}", *lines, ""])


def _counts(features: Mapping[str, tuple[str, Feature]]) -> dict[str, int]:
    """Features by group."""
    groups = [group for group, _ in features.values()]
    return {group: groups.count(group) for group in dict.fromkeys(groups)}
