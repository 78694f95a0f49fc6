"""`nissa serve`: a recorded run behind /metrics."""

import argparse
import threading
from pathlib import Path
from typing import Any

from rich.console import Console

from nissa.cli.errors import port
from nissa.cli.runs.replay import judged, read_run
from nissa.cli.serving import add_web_config, taken
from nissa.cli.terminal import say
from nissa.sinks.prometheus import MetricsServer, PrometheusSink

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("serve", help="show a recorded run behind /metrics until Ctrl-C")
    parser.add_argument("path", type=Path, metavar="PATH", help="a run, or a file of its lines (esper-lite's too)")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=port, default=9464, help="port to listen on; 0 takes any free one (9464)")
    add_web_config(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    sink = PrometheusSink(recorded=True)
    result = read_run(arguments.path, sink)
    server = MetricsServer(sink, *taken(arguments.address, arguments.port, arguments.web_config))
    server.start()
    console = Console(highlight=False, markup=False)
    judged(arguments.command, result)
    say(console, f"Run {result.run}, {result.reading.read:,} events, at {server.url}; Ctrl-C ends.")
    try:
        threading.Event().wait()
    finally:
        server.close()
    return 0
