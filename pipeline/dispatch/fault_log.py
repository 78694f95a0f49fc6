"""What went wrong inside Nissa: counted, logged once, and the event that did it kept in a dead-letter file."""

import logging
import select
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from nissa.events.codec import legible
from nissa.events.event import Event

__all__ = ["MAX_LETTERS", "MOST_BYTES", "FaultLog"]

MAX_LETTERS = 1_000
"""Dead letters kept of a run; further ones are counted only."""
MOST_BYTES = 16 << 20
"""Bytes that they may have together; one that does not fit is counted only."""

_log = logging.getLogger("nissa")


class FaultLog:
    """Collects errors by component. Safe to call from any thread; never raises."""

    def __init__(self, dead_letters: Path | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._dead_letters, self._letters, self._room = dead_letters, 0, MOST_BYTES
        self._seen: set[tuple[str, type]] = set()
        self._counting, self._burying = threading.RLock(), threading.RLock()

    def report(self, component: str, error: BaseException, event: Event[Any] | None = None) -> None:
        """Count an error, and bury the event that it was about. The first of its type is logged with its traceback."""
        first = self._count(component, error)
        if event is not None:
            # Only threads of the pipeline's own come here with an event, so a disk that hangs keeps nobody else.
            with self._burying:
                self._bury(component, error, event)
        if first:
            _warn("%s failed; training goes on, and such errors are only counted now", component, exc_info=error)

    def refuse(self, component: str, error: BaseException, by: str) -> None:
        """Count what a trainer gave that is not taken. The first of its type is logged with the line that gave it."""
        if self._count(component, error):
            _warn("%s: %s; training goes on, and such errors are only counted now", by, error)

    def tell(self, message: str) -> None:
        """Log what is no error of a part, but of how Nissa is used."""
        _warn("%s", message)

    def after_fork(self) -> None:
        """In a forked child: another thread may have held a lock at the fork."""
        self._counting, self._burying, self._dead_letters = threading.RLock(), threading.RLock(), None

    def _count(self, component: str, error: BaseException) -> bool:
        """Whether it is the first of its type."""
        with self._counting:
            self.counts[component] += 1
            first = (component, type(error)) not in self._seen
            self._seen.add((component, type(error)))
        return first

    def _bury(self, component: str, error: BaseException, event: Event[Any]) -> None:
        if self._dead_letters is None or self._letters >= MAX_LETTERS:
            return
        self._letters += 1
        try:
            letter = {"component": component, "error": repr(error), "event": _readable(event)}
            line = orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)
            if len(line) <= self._room:
                self._room -= len(line)
                with self._dead_letters.open("ab") as file:
                    file.write(line)
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # noqa: BLE001  # the disk, or a repr of somebody's that raises, or calls exit
            self._dead_letters = None
            _warn("no more dead letters are kept: %s", failure)


def _warn(message: str, *values: object, exc_info: BaseException | None = None) -> None:
    # A handler of the host program's may raise, even call sys.exit, and the errors that are reported here end here.
    try:
        if _log.hasHandlers() or not _stderr_is_gone():
            _log.warning(message, *values, exc_info=exc_info)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # there is nobody left to tell
        pass


def _stderr_is_gone() -> bool:
    """Whether what is written there would stay in its buffer, for which Python ends a sound program with status 120."""
    try:
        poll = select.poll()
        poll.register(sys.stderr.fileno(), 0)
        return bool(poll.poll(0))
    except (AttributeError, OSError, ValueError):  # none, or no file
        return False


def _readable(event: Event[Any]) -> Any:
    try:
        return legible(event)
    except Exception:  # noqa: BLE001  # what is no event at all
        return repr(event)
