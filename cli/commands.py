"""Which commands there are, in the order of the help, and the module that declares each.

What a command needs takes up to a second to load, so that a module is loaded once its command is asked for.
"""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any

__all__ = ["COMMANDS", "add_commands"]

COMMANDS = {
    "demo": "demo",
    "study": "study",
    "monitor": "monitor",
    "replay": "runs.replay",
    "show": "runs.show",
    "traces": "runs.trace",
    "trace": "runs.trace",
    "brief": "runs.brief",
    "report": "runs.report.report",
    "ui": "runs.report.ui",
    "query": "runs.query",
    "export": "runs.export",
    "pack": "runs.pack",
    "compare": "runs.compare",
    "reproduce": "runs.reproduce",
    "serve": "runs.serve",
    "collect": "runs.collect",
    "cluster": "cluster.cluster",
    "backfill": "runs.backfill",
    "features": "config.features",
    "schema": "config.schema",
    "dashboards": "dashboards",
}


def add_commands(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Declare the one that is asked for; all of them where that is none, as for the help."""
    commands: Any = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    asked = COMMANDS.get(argv[0] if argv else "")
    for place in [asked] if asked else dict.fromkeys(COMMANDS.values()):
        import_module(f"nissa.cli.{place}").add(commands)
