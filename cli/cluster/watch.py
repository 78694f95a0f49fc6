"""`nissa cluster watch`: does the job that works runs off still do so? Served as metrics, beside the job."""

import argparse
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from nissa.cli.errors import UsageError, port
from nissa.cli.serving import add_web_config, taken
from nissa.cli.terminal import say
from nissa.pipeline.cluster import job_name
from nissa.pipeline.cluster_watch import JobManager, Watchdog
from nissa.sinks.prometheus import ClusterCollector, MetricsServer

__all__ = ["add"]

_EVERY, _SHARE = 5.0, 10.0
"""Seconds between two looks at least, and so many times as long as one takes."""


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("watch", help="serve on /metrics whether the job goes on, until Ctrl-C")
    parser.add_argument("--logs", type=Path, required=True, metavar="DIR", help="the folder that the runs are below")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the job writes what is derived")
    parser.add_argument("--rest", metavar="URL", help="the JobManager's REST, as http://127.0.0.1:8081")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=port, default=9466, help="port to listen on; 0 takes any free one (9466)")
    add_web_config(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not arguments.logs.is_dir():
        raise UsageError(f"{arguments.logs}: there is no such folder")
    logs, out = arguments.logs.absolute(), arguments.out.absolute()
    if arguments.rest and not arguments.rest.startswith(("http://", "https://")):
        raise UsageError(f"--rest {arguments.rest}: give a URL, as http://127.0.0.1:8081")
    watchdog = Watchdog(logs, out, JobManager(arguments.rest, job_name(out)) if arguments.rest else None)
    watchdog.look()
    listens, guard = taken(arguments.address, arguments.port, arguments.web_config)
    server = MetricsServer(ClusterCollector(watchdog.state), listens, guard)
    server.start()
    say(Console(highlight=False, markup=False), f"Watching the job over {logs}, at {server.url}; Ctrl-C ends.")
    try:
        while True:
            began = time.monotonic()
            watchdog.look()
            time.sleep(max(_EVERY, _SHARE * (time.monotonic() - began)))
    finally:
        server.close()
