"""A real terminal for a program: a pty, whose output an emulator of a terminal reads."""

import fcntl
import os
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path

import pyte

__all__ = ["PseudoTerminal", "script"]

_PART = 65536


def script(code: str, *words: object) -> list[str]:
    """The command that runs Python code."""
    return [sys.executable, "-c", code, *map(str, words)]


class PseudoTerminal:
    """Runs a command on a terminal of so many columns and lines. Its history keeps what scrolled away."""

    def __init__(self, command: list[str], *, columns: int = 110, lines: int = 16, cwd: Path | None = None) -> None:
        self.screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, its = os.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        unset = dict.fromkeys(("COLUMNS", "LINES"), "")
        environment = {**os.environ, "TERM": "xterm-256color", **unset}
        environment = {name: value for name, value in environment.items() if value}
        self.process = subprocess.Popen(
            command, stdin=its, stdout=its, stderr=its, cwd=cwd, env=environment, start_new_session=True
        )
        os.close(its)

    def read(self) -> bool:
        """Take in a part of what the program writes; False once it is gone."""
        with suppress(OSError):
            if part := os.read(self.master, _PART):
                self.raw += part
                self._stream.feed(part)
                return True
        return False

    def finish(self) -> list[str]:
        """All lines that were ever shown, once the program has ended, the last screen behind them."""
        while self.read():
            pass
        self.process.wait()
        os.close(self.master)
        width = self.screen.columns
        past = ["".join(row[at].data for at in range(width)).rstrip() for row in self.screen.history.top]
        return [*past, *(row.rstrip() for row in self.screen.display)]
