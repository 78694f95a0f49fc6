"""What commands that train have in common: `--profile`, `--config` and `--set` say what is measured."""

import argparse
from pathlib import Path

from nissa.cli.errors import UsageError
from nissa.pipeline.config import TelemetryConfig
from nissa.pipeline.profiles import load
from nissa.pipeline.yaml_text import ConfigError

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
    """The configuration that the options ask for. Raises UsageError."""
    try:
        return load(arguments.profile, arguments.config, arguments.set)
    except ConfigError as error:
        raise UsageError(error) from None
