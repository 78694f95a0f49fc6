"""`nissa collect`: follow runs that a trainer writes, or wrote, and work off what nobody has."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError
from nissa.cli.serving import add_web_config, taken
from nissa.cli.terminal import say, terminal
from nissa.pipeline.collector import CollectedElsewhereError, Collecting
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.jobs import CollectedJob, is_compared, rank_directories
from nissa.pipeline.wiring import address
from nissa.sinks.console import ConsoleSink
from nissa.sinks.prometheus import MetricsServer, PrometheusSink
from nissa.sinks.run_log import segments

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("collect", help="follow runs until they end, and write what is derived beside them")
    parser.add_argument(
        "paths", type=Path, nargs="+", metavar="RUN", help="a run or the folder of a job, live or left behind"
    )
    parser.add_argument("--metrics", metavar="ADDRESS", help='where to serve /metrics: a port, or "host:port"')
    add_web_config(parser)
    parser.add_argument("--terminal", action="store_true", help="show the run as it goes")
    parser.add_argument("--linger", type=float, default=0.0, metavar="S", help="seconds to wait for a last scrape (0)")
    parser.add_argument("--no-color", action="store_true", help="print plain text")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    jobs = [path for path in arguments.paths if not segments(path) and rank_directories(path)]
    runs = [run for path in arguments.paths for run in (rank_directories(path).values() if path in jobs else [path])]
    for path in runs:
        if not segments(path):
            raise UsageError(f"{path}: this directory holds no run (no events-*.jsonl in it)")
    console, faults = terminal(no_color=arguments.no_color), FaultLog()
    consumers = {"terminal": ConsoleSink(console)} if arguments.terminal else {}
    with ExitStack() as stack:
        collecting = _collecting(runs, consumers, faults)
        stack.callback(collecting.close)
        server = _server(collecting.prometheus, arguments) if arguments.metrics else None
        if server:
            stack.callback(server.close)
            server.start()
            say(console, f"Serving {server.url}; Ctrl-C ends.")
        collecting.follow()
        if server and arguments.linger > 0:
            server.wait_for_scrape(arguments.linger)
    for run in collecting.runs:
        say(console, run.summary())
    for job in jobs:
        say(console, _compared(job, faults))
    return 0


def _collecting(paths: list[Path], consumers: dict[str, ConsoleSink], faults: FaultLog) -> Collecting:
    try:
        return Collecting(paths, consumers, faults)
    except CollectedElsewhereError as error:
        raise UsageError(error) from None


def _compared(folder: Path, faults: FaultLog) -> str:
    """The ranks of a job, compared once all of them are worked off."""
    if is_compared(folder):
        return f"{folder}: another process compares the ranks of this job."
    job = CollectedJob(folder, {}, faults)
    while job.step():
        pass
    job.close()
    return job.summary()


def _server(prometheus: PrometheusSink, arguments: argparse.Namespace) -> MetricsServer:
    metrics = arguments.metrics
    try:
        place = address(int(metrics) if metrics.isdecimal() else metrics)
    except ValueError as error:
        raise UsageError(error) from None
    return MetricsServer(prometheus, *taken(*place, arguments.web_config))
