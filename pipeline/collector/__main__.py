"""The collector that a trainer starts: `python -m nissa.pipeline.collector DIRECTORY LINGER SOCKET [METRICS]`."""

import logging
import signal
import socket
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from nissa.events.json_encoding import plain
from nissa.pipeline.collector.answers import answer
from nissa.pipeline.collector.collecting import Collecting
from nissa.pipeline.dispatch import FaultLog
from nissa.sinks.prometheus import MetricsServer
from nissa.sinks.run_log import DEAD_LETTERS

__all__ = ["main"]


def main(arguments: Sequence[str]) -> None:
    """Collect one run until it has ended, answer its trainer meanwhile, and wait for the scrape of its end."""
    directory, linger, *handed = arguments
    # A Ctrl-C is the trainer's, which ends the run.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    collecting = Collecting([Path(directory)], {}, FaultLog(Path(directory) / DEAD_LETTERS))
    (run,) = collecting.runs
    answer(Connection(int(handed[0])), {"snapshot": run.tables.snapshot, "state": lambda: plain(collecting.state())})
    server = None
    if len(handed) > 1:
        server = MetricsServer(collecting.prometheus, socket.socket(fileno=int(handed[1])))
        server.start()
    collecting.follow()
    collecting.close()
    if server:
        server.wait_for_scrape(float(linger))
        server.close()


if __name__ == "__main__":
    main(sys.argv[1:])
