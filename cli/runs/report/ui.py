"""`nissa ui`: all runs below a folder on one page, as they grow, in a browser of this machine."""

import argparse
import threading
from pathlib import Path
from typing import Any

from nissa.cli.errors import UsageError, port
from nissa.cli.runs.report.live import Folder, PageServer
from nissa.cli.serving import add_web_config, taken
from nissa.cli.terminal import say, terminal

__all__ = ["add"]


def add(commands: Any) -> None:
    """Declare the subcommand."""
    parser = commands.add_parser("ui", help="all runs below a folder on one live page in a browser, until Ctrl-C")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder of runs, at any depth")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)")
    parser.add_argument("--port", type=port, default=6464, help="port to listen on; 0 takes any free one (6464)")
    add_web_config(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not arguments.folder.is_dir():
        raise UsageError(f"{arguments.folder}: there is no such folder")
    listens, guard = taken(arguments.address, arguments.port, arguments.web_config, "; --port 0 takes any free one")
    folder = Folder(arguments.folder)
    server = PageServer(folder, listens, guard)
    folder.start()
    server.start()
    say(terminal(no_color=True), f"Runs below {arguments.folder} at {server.url}; Ctrl-C ends.")
    try:
        threading.Event().wait()
    finally:
        server.close()
        folder.close()
    return 0
