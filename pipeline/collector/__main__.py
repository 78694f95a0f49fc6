"""The collector that a trainer starts.

`python -m nissa.pipeline.collector DIRECTORY LINGER SOCKET [METRICS [WEB_CONFIG]]`; sockets are given by their numbers.
"""

import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from nissa.events.json_encoding import plain
from nissa.pipeline.collector.answers import answer
from nissa.pipeline.collector.collecting import Collecting
from nissa.pipeline.collector.derived_log import CollectedElsewhereError
from nissa.pipeline.dispatch import FaultLog
from nissa.pipeline.web_config import guard_of
from nissa.sinks import Sink
from nissa.sinks.console import News
from nissa.sinks.prometheus import MetricsServer
from nissa.sinks.run_log import DEAD_LETTERS

__all__ = ["main"]

_PATIENCE, _PAUSE = 10.0, 0.05
"""Seconds for which another one is waited for: that of a life before this one is about to see that the run goes on."""


def main(arguments: Sequence[str]) -> int:
    """Collect one run until it has ended, answer its trainer meanwhile, and wait for the scrape of its end.

    Returns the exit status: 0, or 1 where it has not ended, so that a trainer that lives after all starts another one.
    """
    directory, linger, answers_at, *handed = arguments
    # A Ctrl-C is the trainer's, which ends the run.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    answering, news = _Later(), News()
    collecting = _collecting(Path(directory), {"terminal": news}, answering.lives)
    (run,) = collecting.runs
    answers = {"snapshot": run.tables.snapshot, "news": news.news, "state": lambda: plain(collecting.state())}
    answering.thread = thread = answer(Connection(int(answers_at)), answers)
    server = None
    if handed:
        guard = guard_of(handed[1] if handed[1:] else None)
        server = MetricsServer(collecting.prometheus, socket.socket(fileno=int(handed[0])), guard)
        server.start()
    collecting.follow()
    collecting.close()
    logging.getLogger("nissa").info("%s", run.summary())
    # The trainer asks a last time before it hangs up.
    thread.join()
    if server:
        # A run that died, or goes on, has no end to be scraped, and the next trainer may want the port.
        if run.ended and not run.yielded:
            server.wait_for_scrape(float(linger))
        server.close()
    return 0 if run.ended else 1


class _Later:
    """The thread that answers the trainer, which ends with it; made after what it answers from."""

    thread: threading.Thread | None = None

    def lives(self) -> bool:
        """Whether the trainer does."""
        return self.thread is None or self.thread.is_alive()


def _collecting(directory: Path, consumers: Mapping[str, Sink], lives: Callable[[], bool]) -> Collecting:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return Collecting([directory], consumers, FaultLog(directory / DEAD_LETTERS), lives)
        except CollectedElsewhereError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
