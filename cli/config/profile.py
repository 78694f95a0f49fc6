"""What commands that train have in common: `--profile`, `--config` and `--set` say what is measured."""

import argparse
from pathlib import Path

from nissa.cli.config.demo_host import watched_layers
from nissa.cli.errors import UsageError
from nissa.pipeline.config import ConfigError, TelemetryConfig, load

__all__ = ["add_options", "chosen"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the three options."""
    parser.add_argument("--profile", metavar="NAME", help="minimal, standard (the default), diagnostic, research")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML file with settings, and profiles, of your own"
    )
    help_set = "one setting, such as gradients.layers=[conv1,fc]; may be given again and again"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=help_set)


def chosen(arguments: argparse.Namespace) -> TelemetryConfig:
    """The configuration that the options ask for. Raises UsageError, also for layers that the demo's host has not."""
    try:
        config = load(arguments.profile, arguments.config, arguments.set)
    except ConfigError as error:
        raise UsageError(error) from None
    try:
        watched_layers(config)
    except UsageError as error:
        raise UsageError(f"{_source(arguments, 'gradients.layers')}: {error}") from None
    return config


def _source(arguments: argparse.Namespace, key: str) -> str:
    """Where a setting that no profile of ours gives comes from."""
    given = [text for text in arguments.set if text.partition("=")[0].strip() in (key, key.partition(".")[0])]
    return f"--set {given[-1]}" if given else str(arguments.config)
