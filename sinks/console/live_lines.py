"""A run on the trainer's own terminal: what is new, every quarter of a second, on a thread of its own."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from nissa.sinks.console.others_bars import OthersBars
from nissa.sinks.console.progress_text import progress_text
from nissa.sinks.console.shared_terminal import SharedTerminal
from nissa.sinks.terminals import is_terminal

__all__ = ["LiveLines"]

_EVERY = 0.25
"""Seconds between two looks."""
_MOST = 20
"""Lines of one look at a terminal; nobody reads more of them, and the log has all."""


class LiveLines:
    """Shows what `news` tells, as `News.news` does; it may raise TimeoutError when there is no telling now.

    Lines go to `stream` as they come. Of a terminal, the bottom row shows the progress; elsewhere an epoch is a line.
    Lines of events before the number `first` are passed over: they were told in a life of the run before this one. The
    trainer never waits for a terminal. What fails is given to `report`, and then nothing more is shown.
    """

    def __init__(
        self,
        news: Callable[[], dict[str, Any]],
        stream: TextIO,
        report: Callable[[str, BaseException], None],
        *,
        first: int = 0,
    ) -> None:
        self._news, self._report, self._first = news, report, first
        there = is_terminal(stream)
        # It only draws: had it the stream, it would write to it and flush it from our thread.
        self._console = Console(
            file=StringIO(), force_terminal=there, force_jupyter=False, highlight=False, markup=False, emoji=False
        )
        self._terminal = SharedTerminal(stream, rows=there and not self._console.is_dumb_terminal)
        self._bars, self._next = OthersBars(), {True: 0, False: 0}
        self._closing, self._cpu = threading.Event(), 0.0
        self._thread = threading.Thread(target=self._run, name="nissa-terminal", daemon=True)

    def start(self) -> None:
        """Begin to show."""
        self._thread.start()

    def cpu(self) -> float:
        """Seconds that its thread has computed, up to its last look."""
        return self._cpu

    def close(self, timeout: float = 1.0) -> None:
        """Show the rest, and give the terminal back. One that takes nothing is waited for `timeout` seconds."""
        self._closing.set()
        if self._thread.ident is None:
            self._terminal.close()
        elif self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def after_fork(self) -> None:
        """In a forked child, to which the thread did not come along: the terminal is the parent's."""
        # A lock in the old one may have been held by a thread that did not come along.
        self._closing = threading.Event()
        self._closing.set()
        self._thread = threading.Thread(target=self._run)
        self._terminal.close()

    def _run(self) -> None:
        try:
            while not self._closing.wait(_EVERY):
                self._show()
                self._cpu = time.thread_time()
            self._show()
            self._terminal.release()
        except Exception as error:  # noqa: BLE001  # a terminal that is gone, or whatever: the trainer goes on
            with suppress(Exception):
                self._terminal.release()
            self._report("console", error)
        finally:
            self._terminal.close()

    def _show(self) -> None:
        if not self._terminal.ready():
            return
        with suppress(TimeoutError):
            told = self._news()
            self._lines(told["lines"])
            self._progress(told["progress"])

    def _lines(self, lines: list[dict[str, Any]]) -> None:
        fresh = [line for line in lines if line["number"] >= self._next[line["epoch"]] and line["seq"] >= self._first]
        # Where the row shows them, nobody misses lines of epochs.
        wanted = [line for line in fresh if not (line["epoch"] and self._terminal.size)]
        most = _MOST if self._terminal.size else len(wanted)
        unseen = len(wanted[most:]) + self._missed(wanted, True) + self._missed(wanted, False)
        self._next |= {line["epoch"]: line["number"] + 1 for line in fresh}
        for line in wanted[:most]:
            self._line(_text(line))
        if unseen:
            self._line(Text(f"... and {unseen:,} lines more than can be read; the log has them", "dim"))

    def _missed(self, lines: list[dict[str, Any]], epoch: bool) -> int:
        """How many of epochs, or else of others, came and went since the last look."""
        seen = self._next[epoch]
        first = next((line["number"] for line in lines if line["epoch"] == epoch), seen)
        return int(first - seen) if seen else 0

    def _line(self, text: Text) -> None:
        with self._bars.paused() as live:
            if live and self._terminal.size:
                live.print(text, soft_wrap=True, highlight=False)
            else:
                self._terminal.line(self._drawn(text))

    def _progress(self, progress: dict[str, Any]) -> None:
        if size := self._terminal.size:
            text = progress_text(progress)
            text.truncate(size.columns - 1, overflow="ellipsis")
            self._terminal.status(self._drawn(text))
        else:
            self._terminal.release()

    def _drawn(self, text: Text) -> str:
        with self._console.capture() as drawn:
            self._console.print(text, soft_wrap=True, end="")
        return drawn.get()


def _text(line: dict[str, Any]) -> Text:
    text = Text(line["text"])
    for start, end, style in line["spans"]:
        text.stylize(style, start, end)
    return text
